/** Consumer groups whose members share one job: whoever asks how far behind they are names them, and loads none of what they do. */

/** Changes of all sources, and memories, to documents. */
export const INDEX_DOCUMENTS_GROUP = 'freshet.index-documents';
/** Tasks to executions. */
export const AGENTS_GROUP = 'freshet.agents';
/** The journal to states of tasks, results and costs. */
export const PROJECTION_GROUP = 'freshet.project-executions';
