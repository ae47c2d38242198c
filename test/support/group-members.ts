/**
 * Who is in a group, and the end of members that were killed: what a broker finds out by itself when their sessions end, told it at once,
 * as those seconds say nothing of who comes after. The library leaves a group for itself alone, so the request (LeaveGroup, version 1) is
 * written here.
 */
import { connect } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';

const LEAVE_GROUP = 13;
const VERSION = 1;
/** Its session has ended meanwhile. */
const UNKNOWN_MEMBER = 25;

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const leave = (broker: string, groupId: string, memberId: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const header = Buffer.alloc(12);
    header.writeInt16BE(LEAVE_GROUP, 4);
    header.writeInt16BE(VERSION, 6);
    const frame = Buffer.concat([header, text('test'), text(groupId), text(memberId)]);
    frame.writeInt32BE(frame.length - 4);
    const [host = '', port = ''] = broker.split(':');
    const socket = connect(Number(port), host, () => socket.write(frame));
    let answer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (piece) => {
      answer = Buffer.concat([answer, piece]);
      // Length, correlation, throttle, error.
      if (answer.length < 14) return;
      socket.destroy();
      const code = answer.readInt16BE(12);
      if (code === 0 || code === UNKNOWN_MEMBER) resolve();
      else reject(new Error(`${memberId} could not leave ${groupId}: error ${code}`));
    });
  });

/** Ids of a group's members, as the broker has them. `broker`: host:port */
export const membersOf = async (broker: string, groupId: string): Promise<readonly string[]> => {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([groupId]);
  await admin.disconnect();
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
};

/** All members of a group, which were killed, are gone. */
export const forgetMembers = async (broker: string, groupId: string): Promise<void> => {
  for (const memberId of await membersOf(broker, groupId)) await leave(broker, groupId, memberId);
};
