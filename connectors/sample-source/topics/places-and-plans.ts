import { code, oneOf, range, type Topic, timeOfDay } from '../topic.ts';

/** Service centres: each town has one. */
export const PLACES: readonly Topic[] = [
  {
    key: 'opening-time',
    category: 'service',
    values: {
      fact: timeOfDay(7, 10),
      close: timeOfDay(16, 20),
      closed: oneOf('Monday', 'Wednesday', 'Saturday', 'Sunday'),
    },
    questions: [
      'When does the service centre in {town} open?',
      'From what time can I bring a device to the {company} shop in {town}?',
    ],
    titles: ['The service centre in {town}', 'Visiting {company} in {town}'],
    answers: [
      'The service centre in {town} opens at {fact}.',
      'In {town} our service centre is open from {fact}.',
    ],
    details: [
      'You find it at {street}; it closes at {close} and stays shut on {closed}.',
      'Small repairs are done [while you wait|within the hour].',
      'Parking is [behind the building|across the road], with two places for charging.',
      'Bring the invoice and, if you can, the cable.',
      'The counter is at ground level and has [a hearing loop|a low desk].',
    ],
  },
  {
    key: 'call-out-fee',
    category: 'service',
    values: { fact: range(25, 140, 1, 'euros'), radius: range(10, 60, 5, 'km') },
    questions: ['What does an engineer’s visit cost in {town}?', 'How high is the call-out fee in {town}?'],
    titles: ['Engineer visits in {town}', 'Home service around {town}'],
    answers: ['A visit by an engineer in {town} costs {fact}.', 'The call-out fee in {town} is {fact}.'],
    details: [
      'That holds within {radius} of the centre; beyond it each kilometre is charged.',
      'Under warranty the visit is [free|on us].',
      'Evening visits are [possible on Thursdays|dearer by a third].',
      'The engineer calls half an hour ahead and [carries a card with a photo|shows a card].',
    ],
  },
  {
    key: 'installation-wait',
    category: 'service',
    values: { fact: range(2, 15, 1, 'weeks'), team: oneOf('two', 'three', 'four', 'five', 'six') },
    questions: [
      'How long is the wait for an installation in {town}?',
      'How many weeks until somebody can install my system in {town}?',
    ],
    titles: ['Installation dates in {town}', 'Waiting for an installation in {town}'],
    answers: [
      'The wait for an installation in {town} is {fact} at the moment.',
      'In {town} you currently wait {fact} for an installation.',
    ],
    details: [
      'The town is served by {team} teams, who also look after the villages [around|nearby].',
      'Put yourself on the list for short notice; [one in five visits becomes free|cancelled visits are given away there].',
      'Before the date we need [photos of the fuse box|a plan of the roof].',
      'Winter is quieter, so dates from November on are easier to get.',
    ],
  },
  {
    key: 'collection-day',
    category: 'recycling',
    values: {
      fact: oneOf(
        'the first Monday of the month',
        'the second Tuesday of the month',
        'the third Wednesday of the month',
        'the last Thursday of the month',
        'the second Friday of the month',
        'the first Saturday of the month',
        'the third Saturday of the month',
      ),
      from: timeOfDay(8, 11),
    },
    questions: ['On which day are old devices collected in {town}?', 'When is the recycling day in {town}?'],
    titles: ['Recycling day in {town}', 'Collection of old devices in {town}'],
    answers: ['Old devices are collected in {town} on {fact}.', 'In {town} recycling day is {fact}.'],
    details: [
      'Put them in front of the door by {from}, [with the cable|in a dry box].',
      'Batteries are taken at {street} only.',
      'What still works is [given to schools|tested and sold for little].',
      'On bank holidays the collection moves to the next working day.',
    ],
  },
];

/** Tariffs for power. */
export const PLANS: readonly Topic[] = [
  {
    key: 'unit-price',
    category: 'tariffs',
    values: {
      fact: range(14, 44, 0.1, 'cents'),
      base: range(5, 17, 0.5, 'euros'),
      months: range(6, 36, 6, 'months'),
    },
    questions: [
      'What is the price per kilowatt hour on the {plan} tariff?',
      'How many cents does a kilowatt hour cost with {plan}?',
    ],
    titles: ['The {plan} tariff', 'Prices of the {plan} tariff'],
    answers: [
      'On the {plan} tariff a kilowatt hour costs {fact}.',
      'The {plan} tariff charges {fact} for each kilowatt hour.',
    ],
    details: [
      'The standing charge is {base} a month.',
      'The price is fixed for {months}, taxes [apart|included].',
      'It suits homes with [a battery|an electric car|a heat pump] best.',
      'You can change to it from any other tariff [at the turn of a month|with a click in the app].',
      'The power comes from [wind and water|sun and wind], with the origin shown by the hour.',
    ],
  },
  {
    key: 'cheap-hours',
    category: 'tariffs',
    values: { fact: timeOfDay(0, 3), end: timeOfDay(4, 7), saving: range(20, 60, 1, '%') },
    questions: [
      'When do the cheap hours of the {plan} tariff start?',
      'From what time is power cheaper with {plan}?',
    ],
    titles: ['Cheap hours with {plan}', 'When power is cheap on the {plan} tariff'],
    answers: [
      'The cheap hours of the {plan} tariff start at {fact}.',
      'With {plan}, power is cheaper from {fact} on.',
    ],
    details: [
      'They end at {end}, and in between you pay {saving} less.',
      'Cars, tanks and batteries [find the hours by themselves|are moved there by the planner].',
      'In summer a second window opens [around noon|after lunch].',
      'A meter that reports every half hour is needed; [we fit one for free|most homes have one].',
    ],
  },
  {
    key: 'export-payment',
    category: 'tariffs',
    values: {
      fact: range(3, 19, 0.1, 'cents'),
      cap: range(3, 15, 1, 'kW'),
      paid: oneOf('monthly', 'every quarter', 'twice a year'),
    },
    questions: [
      'What does the {plan} tariff pay for solar power that I export?',
      'How much do I get per exported kilowatt hour with {plan}?',
    ],
    titles: ['Selling solar power with {plan}', 'Export payments on the {plan} tariff'],
    answers: [
      'For exported solar power the {plan} tariff pays {fact} per kilowatt hour.',
      'With {plan} you get {fact} for every kilowatt hour you export.',
    ],
    details: [
      'Systems of up to {cap} are accepted without [further papers|a survey].',
      'The money is paid out {paid}.',
      'When prices fall below zero, export is [held back|stored in the battery first].',
      'Show us the registration of the panels, which [your installer has|came with the handover].',
    ],
  },
  {
    key: 'leaving-fee',
    category: 'billing',
    values: { fact: range(10, 95, 1, 'euros'), free: range(10, 40, 1, 'days'), letter: code('T', 4) },
    questions: [
      'What is the fee for leaving the {plan} tariff early?',
      'How much do I pay when I give up {plan} before its term is over?',
    ],
    titles: ['Leaving the {plan} tariff', 'Ending {plan} early'],
    answers: [
      'Leaving the {plan} tariff early costs {fact}.',
      'The fee for giving up {plan} before its term is {fact}.',
    ],
    details: [
      'In the last {free} of the term, and when you move, there is no fee.',
      'Use form {letter} or the button under Billing.',
      'Credit on the account is [paid back within a week|moved to the new contract].',
      'If we raise the price, you may leave [at once|within six weeks] without paying anything.',
    ],
  },
];
