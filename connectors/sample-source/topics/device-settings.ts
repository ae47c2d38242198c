import { code, oneOf, range, type Topic, timeOfDay } from '../topic.ts';

/** Settings of a device. */
export const DEVICE_SETTINGS: readonly Topic[] = [
  {
    key: 'eco-mode',
    category: 'settings',
    values: { fact: range(5, 45, 1, '%'), delay: range(5, 40, 5, 'minutes') },
    questions: [
      'How much energy does eco mode save on the {product}?',
      'What do I save with eco mode of the {product}?',
    ],
    titles: ['Eco mode of the {product}', 'Saving energy with the {product}'],
    answers: [
      'In our tests eco mode of the {product} saved {fact}.',
      'Eco mode lowers the use of the {product} by {fact}.',
    ],
    details: [
      'It starts {delay} after the last person has left, judged by [their phones|movement in the rooms].',
      'Comfort comes first: [a press on the {button}|a tap in the app] ends it at once.',
      'Turn it on under Settings, Energy, Eco.',
      'In homes where somebody is always in, the saving is [smaller|about half of that].',
    ],
  },
  {
    key: 'schedule-limit',
    category: 'settings',
    values: { fact: range(4, 64, 2, 'schedules'), step: oneOf('five', 'ten', 'fifteen') },
    questions: [
      'How many schedules can the {product} store?',
      'What is the greatest number of schedules on the {product}?',
    ],
    titles: ['Schedules on the {product}', 'Planning the week with the {product}'],
    answers: ['The {product} stores up to {fact}.', 'You can save {fact} on one {product}.'],
    details: [
      'Each runs in steps of {step} minutes and can [skip bank holidays|follow sunrise and sunset].',
      'When two of them overlap, [the newer one wins|the one with the higher number wins].',
      'Schedules stay in the {kind} and work [without the internet|during an outage of the cloud].',
      'To copy one to other days, hold it and choose Repeat.',
    ],
  },
  {
    key: 'default-code',
    category: 'settings',
    values: { fact: code('', 6), tries: range(3, 10, 1), lock: range(10, 60, 10, 'minutes') },
    questions: [
      'What is the default installer code of the {product}?',
      'Which code opens the installer menu of a new {product}?',
    ],
    titles: ['The installer menu of the {product}', 'Installer code of the {product}'],
    answers: [
      'The default installer code of the {product} is {fact}.',
      'On a new {product}, the code {fact} opens the installer menu.',
    ],
    details: [
      'Change it at the first start; [the {kind} asks you to|a reminder stays until you have].',
      'After {tries} wrong attempts the menu is locked for {lock}.',
      'If the new code is lost, only [a factory reset|our service with proof of purchase] helps.',
      'The menu holds limits that matter for safety, so leave what you do not know as it is.',
    ],
  },
  {
    key: 'reporting-interval',
    category: 'settings',
    values: { fact: range(5, 300, 5, 'seconds'), battery: range(10, 40, 5, '%') },
    questions: [
      'How often does the {product} send its readings?',
      'What is the reporting interval of the {product}?',
    ],
    titles: ['Reporting interval of the {product}', 'How often the {product} reports'],
    answers: [
      'The {product} sends its readings every {fact}.',
      'By default the reporting interval of the {product} is {fact}.',
    ],
    details: [
      'A shorter interval [wears the battery down|needs more radio time]; expect {battery} more.',
      'Sudden changes are sent at once, whatever the interval.',
      'Readings that were not delivered are [kept and sent later|not lost].',
      'You find the setting under Device, Radio, Interval.',
    ],
  },
  {
    key: 'local-interface',
    category: 'settings',
    values: {
      fact: range(10, 240, 10, 'requests per minute'),
      path: oneOf('/local/v2', '/api/v1', '/home/v3', '/device/v1'),
    },
    questions: [
      'How many requests does the local interface of the {product} allow?',
      'What is the rate limit of the local API of the {product}?',
    ],
    titles: ['Local interface of the {product}', 'Using the {product} from your own programs'],
    answers: [
      'The local interface of the {product} allows {fact}.',
      'Your programs may send the {product} {fact}.',
    ],
    details: [
      'It is found at {path} and [speaks JSON|answers in JSON], once you have turned it on.',
      'Whoever asks more often gets status 429 and should [wait a little|slow down].',
      'The key is shown [once|a single time] and can be taken back in the app.',
      'Nothing passes through our cloud, so it [works without the internet|answers in a few milliseconds].',
    ],
  },
  {
    key: 'quiet-hours',
    category: 'settings',
    values: { fact: timeOfDay(20, 23), end: timeOfDay(5, 8) },
    questions: [
      'When do the quiet hours of the {product} begin?',
      'From what time on is the {product} quiet at night?',
    ],
    titles: ['Quiet hours of the {product}', 'Peace at night with the {product}'],
    answers: [
      'Quiet hours of the {product} begin at {fact} unless you change them.',
      'From {fact} on the {product} keeps quiet.',
    ],
    details: [
      'They end at {end}; until then there is no sound and [the {light} is dark|hardly any light].',
      'Alarms for fire, water and [frost|overload] are heard all the same.',
      'At weekends they can start later, see Settings, Sound.',
      'Each member of the family can have notifications held back on their own phone.',
    ],
  },
];
