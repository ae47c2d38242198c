/** The group's leader deals out partitions by co-partition-assignment.ts; the library's protocol around it. */
import { coPartitionAssignment } from '../co-partition-assignment.ts';
import { AssignerProtocol, type PartitionAssigner } from './library.ts';

export const coPartitionAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'FreshetCoPartition',
  version: 0,
  async assign({ members, topics }) {
    const partitionsByTopic = Object.fromEntries(
      topics.map((topic) => [
        topic,
        cluster
          .findTopicPartitionMetadata(topic)
          .map((each) => each.partitionId)
          .sort((a, b) => a - b),
      ]),
    );
    const assignment = coPartitionAssignment(
      members.map((member) => member.memberId),
      partitionsByTopic,
    );
    return Object.entries(assignment).map(([memberId, topicPartitions]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: Object.fromEntries(
          Object.entries(topicPartitions).map(([topic, list]) => [topic, [...list]]),
        ),
        userData: Buffer.alloc(0),
      }),
    }));
  },
  protocol({ topics }) {
    return {
      name: 'FreshetCoPartition',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    };
  },
});
