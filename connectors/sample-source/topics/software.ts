import { code, oneOf, range, release, type Topic, timeOfDay } from '../topic.ts';

/** Programs and online services. */
export const SOFTWARE: readonly Topic[] = [
  {
    key: 'trial',
    category: 'billing',
    values: { fact: range(7, 90, 1, 'days'), keep: range(2, 18, 1, 'months') },
    questions: [
      'How long is the free trial of the {product}?',
      'For how many days can I try the {product} for nothing?',
    ],
    titles: ['The free trial of the {product}', 'Trying out the {product}'],
    answers: [
      'The free trial of the {product} lasts {fact}.',
      'You can try the {product} for {fact} without paying.',
    ],
    details: [
      'No card is asked for, and the trial [ends by itself|does not turn into a subscription].',
      'What you have set up is kept for {keep} in case you come back.',
      'All functions are included, apart from [exports|remote control of other people’s sites].',
      'A second trial is possible after a [year|major release].',
    ],
  },
  {
    key: 'retention',
    category: 'privacy',
    values: {
      fact: range(6, 120, 1, 'months'),
      place: oneOf('Ireland', 'Sweden', 'Portugal', 'Estonia', 'Austria', 'Finland'),
    },
    questions: [
      'How long does the {product} keep my readings?',
      'After how many months does the {product} delete readings?',
    ],
    titles: ['What the {product} stores, and for how long', 'Data retention in the {product}'],
    answers: [
      'The {product} keeps readings for {fact} and then deletes them.',
      'Readings in the {product} are deleted after {fact}.',
    ],
    details: [
      'They are stored in {place} and [encrypted at rest|never leave the union].',
      'You can delete single days, a device or everything under Privacy.',
      'Sums per month are kept without a name, so that [comparisons still work|averages stay right].',
      'We sell no data, and [nobody outside the company sees yours|those who help us see only what they need].',
    ],
  },
  {
    key: 'seats',
    category: 'accounts',
    values: {
      fact: range(2, 150, 1, 'people'),
      roles: oneOf(
        'viewer, editor and owner',
        'guest, member and owner',
        'reader, planner and administrator',
      ),
    },
    questions: [
      'How many people can use one account of the {product}?',
      'What is the user limit of the {product}?',
    ],
    titles: ['Users and roles in the {product}', 'Sharing the {product} with others'],
    answers: [
      'One account of the {product} is for up to {fact}.',
      'Up to {fact} can share an account of the {product}.',
    ],
    details: [
      'The roles are {roles}.',
      'Invitations are valid for [a day|three days|a week] and can be taken back.',
      'Whoever leaves loses access at once; [their plans stay|what they made stays in place].',
      'Two-step sign-in can be made a duty for all under Security.',
    ],
    steps: [
      'Open Settings, People.',
      'Choose Invite and type an address.',
      'Pick a role.',
      'Send the invitation.',
    ],
  },
  {
    key: 'export-format',
    category: 'settings',
    values: {
      fact: oneOf('CSV', 'Parquet', 'JSON Lines', 'Excel', 'XML', 'SQLite'),
      rows: range(50, 900, 50),
    },
    questions: [
      'In which format does the {product} export readings?',
      'What file format do I get when I export from the {product}?',
    ],
    titles: ['Exporting from the {product}', 'Taking your readings out of the {product}'],
    answers: [
      'The {product} exports readings as {fact} files.',
      'An export from the {product} comes in the {fact} format.',
    ],
    details: [
      'Up to {rows} thousand rows go into one file; larger exports are split by month.',
      'Times are given in UTC, with the [local offset|name of the zone] beside them.',
      'A regular export can be sent to [a mailbox|a folder in your own cloud] each night.',
      'The link is valid for [two days|a week] and works once.',
    ],
  },
  {
    key: 'interface-limit',
    category: 'settings',
    values: { fact: range(20, 900, 10, 'calls per minute'), code: code('Q', 3) },
    questions: [
      'What is the rate limit of the interface of the {product}?',
      'How many API calls does the {product} accept?',
    ],
    titles: ['Rate limits of the {product}', 'Using the {product} from your own code'],
    answers: [
      'The interface of the {product} accepts {fact}.',
      'For programs, the {product} has a limit of {fact}.',
    ],
    details: [
      'Above that it answers with {code} and says in a header [when to come back|how long to wait].',
      'Keys belong to a person and [end with their access|are shown once].',
      'Ask for changes since a point in time instead of everything; [it is faster for both of us|it saves most calls].',
      'A sandbox with made-up homes is open to everybody.',
    ],
  },
  {
    key: 'oldest-system',
    category: 'setup',
    values: {
      fact: oneOf(
        'Android 9',
        'Android 10',
        'Android 11',
        'Android 12',
        'iOS 14',
        'iOS 15',
        'iOS 16',
        'iOS 17',
      ),
      space: range(40, 380, 10, 'MB'),
    },
    questions: [
      'Which is the oldest system that the {product} runs on?',
      'What phone system does the {product} need at least?',
    ],
    titles: ['System requirements of the {product}', 'Does the {product} run on my phone?'],
    answers: [
      'The oldest system that the {product} runs on is {fact}.',
      'The {product} needs {fact} or a newer system.',
    ],
    details: [
      'It takes {space} of space, more if [floor plans|photos of the installation] are kept on the phone.',
      'In a browser it works on anything that has had an update in the last two years.',
      'Tablets show [two columns|the plan beside the chart].',
      'Older phones can go on with the last release that suits them, without support.',
    ],
  },
  {
    key: 'current-release',
    category: 'updates',
    values: { fact: release, day: oneOf('Monday', 'Tuesday', 'Wednesday', 'Thursday') },
    questions: [
      'Which release of the {product} fixed the sync problem?',
      'From what version on does the {product} sync reliably?',
    ],
    titles: ['Sync problems in the {product}', 'The {product} does not sync'],
    answers: [
      'The sync problem of the {product} is fixed in release {fact}.',
      'From release {fact} on the {product} syncs reliably.',
    ],
    details: [
      'Before that, changes made on two phones at once could [undo each other|get lost].',
      'Pull the list down or press the {button} to sync by hand.',
      'New releases come out on a {day} and reach everybody within [three|four|five] days.',
      'If it still hangs, sign out and in again; [plans are not lost|nothing on the server is touched].',
    ],
  },
  {
    key: 'maintenance-window',
    category: 'service',
    values: {
      fact: timeOfDay(0, 5),
      day: oneOf('Sunday', 'Saturday', 'Wednesday', 'Thursday'),
      length: range(10, 90, 10, 'minutes'),
    },
    questions: [
      'At what time does maintenance of the {product} start?',
      'When is the {product} down for maintenance?',
    ],
    titles: ['Maintenance of the {product}', 'Planned downtime of the {product}'],
    answers: [
      'Maintenance of the {product} starts on the first {day} of the month at {fact}.',
      'On the first {day} of each month the {product} is down for maintenance from {fact}.',
    ],
    details: [
      'It takes at most {length}, mostly less.',
      'Devices follow their last plan [meanwhile|in the meantime].',
      'The state is shown at status.{domain}, where you can [subscribe by mail|sign up for notices].',
      'Urgent repairs are announced [two hours|a day] ahead.',
    ],
  },
  {
    key: 'cancellation',
    category: 'billing',
    values: { fact: range(5, 60, 1, 'days'), refund: oneOf('in full months', 'to the day', 'to the week') },
    questions: [
      'What notice do I have to give to cancel the {product}?',
      'How many days ahead must I cancel my subscription to the {product}?',
    ],
    titles: ['Cancelling the {product}', 'Ending your subscription to the {product}'],
    answers: [
      'The {product} can be cancelled with {fact} of notice.',
      'To cancel the {product}, give notice {fact} ahead.',
    ],
    details: [
      'What you have paid for and not used is given back {refund}.',
      'The button is under Billing; [no call is needed|nobody will try to talk you out of it].',
      'Export what you want to keep beforehand.',
      'A pause of up to [three|six] months costs nothing and keeps everything.',
    ],
    steps: [
      'Open Billing in the {product}.',
      'Choose End subscription.',
      'Pick the last day.',
      'Confirm by the mail that we send.',
    ],
  },
  {
    key: 'forecast-accuracy',
    category: 'specifications',
    values: { fact: range(2, 18, 0.5, '%'), days: range(2, 10, 1, 'days') },
    questions: [
      'How accurate is the forecast of the {product}?',
      'By how much is the forecast of the {product} off on average?',
    ],
    titles: ['The forecast of the {product}', 'How good is the forecast in the {product}?'],
    answers: [
      'On average the forecast of the {product} is off by {fact}.',
      'The forecast of the {product} has a mean error of {fact}.',
    ],
    details: [
      'It looks {days} ahead and is made anew every hour.',
      'It learns from [the last six weeks|your own readings], so the first days are rougher.',
      'Snow on panels is [not foreseen|the main source of surprises].',
      'Tell it about holidays and guests under Calendar to make it better.',
    ],
  },
];
