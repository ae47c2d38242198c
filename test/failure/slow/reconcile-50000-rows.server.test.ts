import { describePlantedDivergence } from '../../pipelines/reconcile/planted-divergence.ts';

describePlantedDivergence('reconciled-large', 50_000);
