/**
 * What a broker finds out by itself when the sessions of killed members end, told it at once: seconds of waiting that say nothing of who
 * comes after. The library leaves groups for its own members alone, so the request (LeaveGroup, version 1) is written here.
 */
import { connect } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';

const LEAVE_GROUP = 13;
const VERSION = 1;

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
      if (code === 0) resolve();
      else reject(new Error(`${memberId} could not leave ${groupId}: error ${code}`));
    });
  });

/** All members of a group, which were killed, are gone. `broker`: host:port */
export const forgetMembers = async (broker: string, groupId: string): Promise<void> => {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([groupId]);
  await admin.disconnect();
  const members = groups.flatMap((each) => each.members);
  if (members.length === 0) throw new Error(`${groupId} has no members`);
  for (const { memberId } of members) await leave(broker, groupId, memberId);
};
