import { PEERS_SOURCE_VARIABLE, peersFreshetConfig } from './peers-freshet-config.ts';

export default peersFreshetConfig(process.env[PEERS_SOURCE_VARIABLE] ?? '');
