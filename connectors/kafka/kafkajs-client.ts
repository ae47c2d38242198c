/** KafkaClient over kafkajs; what of the library is used where stands in the folder kafkajs. */

import { connect } from 'node:net';
import type { KafkaClient } from './kafka.ts';
import { adminOver } from './kafkajs/admin.ts';
import { attempt } from './kafkajs/attempt.ts';
import { consume } from './kafkajs/consumer.ts';
import { Kafka, logLevel, RETRY } from './kafkajs/library.ts';
import { openProducer } from './kafkajs/producer.ts';

export interface KafkaClientSettings {
  /** host:port, as many as there are. */
  readonly brokers: readonly string[];
  /** Names this process in the broker's logs and quotas. */
  readonly clientId: string;
  /** How often a request that failed is tried again. Default 8: some seconds. */
  readonly retries?: number;
  /** What the library logs, from warnings up. */
  readonly log?: (level: 'warn' | 'error', message: string, details: unknown) => void;
}

const KEEP_ALIVE_MS = 60_000;
const LEVELS: Readonly<Record<number, 'warn' | 'error'>> = {
  [logLevel.WARN]: 'warn',
  [logLevel.ERROR]: 'error',
};

export const createKafkaJsClient = async (settings: KafkaClientSettings): Promise<KafkaClient> => {
  const kafka = new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { ...RETRY, ...(settings.retries === undefined ? {} : { retries: settings.retries }) },
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect(
        { host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
        onConnect,
      );
      // Requests are small and each is waited for: none of them is to wait for the acknowledgement of another (Nagle).
      socket.setNoDelay(true);
      return socket;
    },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const level = LEVELS[entry.level];
      // Its retries are limited on purpose: after the last one this project reads the log before it goes on (rule P).
      if (!level || entry.log.message.startsWith('Limiting retries')) return;
      settings.log?.(level, entry.log.message, { ...entry.log });
    },
  });
  const admin = kafka.admin();
  await attempt('connecting', () => admin.connect());
  return {
    admin: adminOver(admin),
    openProducer: () => attempt('opening a producer', () => openProducer(kafka, admin)),
    consume: (consumeSettings, events) =>
      attempt(`joining the group ${consumeSettings.groupId}`, () => consume(kafka, consumeSettings, events)),
    close: () => admin.disconnect(),
  };
};
