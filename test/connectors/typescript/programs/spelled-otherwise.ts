/** Specifiers as a configuration of somebody's may spell them. */
import { folder } from './spelled';
import { name } from './spelled/name';
import { name as compiled } from './spelled/name.js';

console.log(name, folder, compiled);
