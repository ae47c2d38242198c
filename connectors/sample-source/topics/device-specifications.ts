import { oneOf, range, type Topic } from '../topic.ts';

/** What a device is and can take. */
export const DEVICE_SPECIFICATIONS: readonly Topic[] = [
  {
    key: 'weight',
    category: 'specifications',
    values: {
      fact: range(0.2, 12.8, 0.1, 'kg'),
      parcel: oneOf('one parcel', 'two parcels', 'a reusable crate', 'a flat carton'),
    },
    questions: ['How much does the {product} weigh?', 'What is the weight of the {product}?'],
    titles: ['Weight and packaging of the {product}', 'How heavy is the {product}?'],
    answers: ['The {product} weighs {fact} without its packaging.', 'Unpacked, the {product} weighs {fact}.'],
    details: [
      'It is delivered in {parcel} made of [recycled board|pulp and board without plastic].',
      'Walls of plasterboard hold it only with the [wide|long] anchors from the accessories box.',
      'Keep the packaging for [the length of the return window|at least a month], as we can take it back only in that.',
      'The figure includes the back plate and the cable, and leaves out [accessories|what is sold apart].',
    ],
  },
  {
    key: 'operating-temperature',
    category: 'specifications',
    values: { fact: range(-30, 5, 1, '°C'), humidity: range(70, 98, 1, '%') },
    questions: [
      'What is the lowest temperature at which the {product} works?',
      'How cold may it get where the {product} is installed?',
    ],
    titles: ['Climate limits of the {product}', 'Cold and damp: what the {product} can take'],
    answers: [
      'The {product} works down to {fact}.',
      'The lowest temperature at which the {product} may be used is {fact}.',
    ],
    details: [
      'Humidity may rise to {humidity} as long as [no water settles on it|nothing drips].',
      'Below the limit it [pauses|waits] and shows a snowflake.',
      'After transport in the cold let it stand in the room for [two hours|half a day] before it is switched on.',
      'Damage by frost is [not covered by the warranty|easy to tell and not covered].',
    ],
  },
  {
    key: 'standby-power',
    category: 'specifications',
    values: { fact: range(0.2, 7.5, 0.1, 'watts'), year: range(2, 40, 1, 'kWh') },
    questions: [
      'How much power does the {product} use on standby?',
      'What does the {product} draw when it is idle?',
    ],
    titles: ['Standby power of the {product}', 'What the {product} uses when it does nothing'],
    answers: ['On standby the {product} uses {fact}.', 'An idle {product} draws {fact}.'],
    details: [
      'Over a year of ordinary use this comes to roughly {year}.',
      'Turning the {light} off and [sending readings less often|lowering the radio power] brings it down a little more.',
      'The figure was measured by an outside laboratory at [room temperature|230 volts].',
      'Older firmware used [more|noticeably more], so keep it up to date.',
    ],
  },
  {
    key: 'cable-length',
    category: 'specifications',
    values: { fact: range(3, 95, 1, 'metres'), section: oneOf('1.5', '2.5', '4', '6', '0.75') },
    questions: [
      'What is the longest cable I may use with the {product}?',
      'How long can the cable of the {product} be at most?',
    ],
    titles: ['Cables for the {product}', 'Wiring the {product}: length and cross-section'],
    answers: [
      'The cable of the {product} may be at most {fact} long.',
      'With the {product}, use a cable of no more than {fact}.',
    ],
    details: [
      'The cross-section should be {section} square millimetres or more.',
      'Keep it apart from [mains cables|the cables of the solar panels], at least by the width of a hand.',
      'Joints in the middle are a frequent cause of trouble; [use one piece|pull a new one instead].',
      'Only a qualified electrician may [open the terminal cover|connect the mains side].',
    ],
  },
  {
    key: 'radio-range',
    category: 'specifications',
    values: { fact: range(15, 180, 5, 'metres'), walls: range(1, 4, 1) },
    questions: [
      'What is the radio range of the {product}?',
      'How far does the signal of the {product} reach?',
    ],
    titles: ['Radio range of the {product}', 'How far the {product} can be from the hub'],
    answers: [
      'The radio of the {product} reaches {fact} in the open.',
      'In open air the signal of the {product} carries {fact}.',
    ],
    details: [
      'Indoors count on {walls} ordinary walls; [concrete with steel in it|foil behind plaster] takes away more.',
      'The app shows the strength in five bars, and two are enough.',
      'A range extender [helps|closes the gap] where the signal is weak.',
      'Do not fit it inside a metal cabinet, unless the antenna is [led outside|mounted on the door].',
    ],
  },
  {
    key: 'fuse-rating',
    category: 'specifications',
    values: {
      fact: oneOf('6 A', '10 A', '13 A', '16 A', '20 A', '25 A', '32 A', '40 A'),
      type: oneOf('B', 'C'),
    },
    questions: [
      'Which fuse does the {product} need?',
      'What breaker rating is right for the circuit of the {product}?',
    ],
    titles: ['Electrical protection of the {product}', 'Fuse and breaker for the {product}'],
    answers: [
      'The circuit of the {product} is protected by a breaker of {fact}.',
      'The {product} needs a fuse of {fact} in its circuit.',
    ],
    details: [
      'Use a breaker with curve {type}; others may trip when it starts.',
      'A residual-current device is [required|called for] in all rooms with water.',
      'Do not share the circuit with [an oven|a washing machine|a kettle].',
      'If the breaker trips more than once, [leave it off and call an electrician|do not push it in again].',
    ],
  },
  {
    key: 'device-limit',
    category: 'specifications',
    values: { fact: range(4, 240, 2, 'devices'), groups: range(3, 24, 1) },
    questions: [
      'How many devices can the {product} work with at once?',
      'What is the largest number of devices that can be joined to the {product}?',
    ],
    titles: ['How many devices fit on the {product}', 'Limits of the {product}'],
    answers: [
      'The {product} works with up to {fact} at once.',
      'Up to {fact} can be joined to one {product}.',
    ],
    details: [
      'They can be sorted into {groups} groups, each with a schedule of its own.',
      'When the limit is reached, the app says so and [offers to remove what has been silent for long|shows which have not been used].',
      'A second {kind} in the same home [doubles this|shares the load], and both appear as one.',
      'Devices of other makers count as well, provided they speak a standard that we support.',
    ],
  },
];
