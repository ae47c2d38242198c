/**
 * Whoever reads stdout or stderr may end first (`| head`, `| tee` at Ctrl-C): then what is written is lost, and what is under
 * way still ends in order.
 */
export const outliveReaders = (): void => {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
};
