import { code, oneOf, range, type Topic } from '../topic.ts';

/** Buying, returning, repairing and giving up a device. */
export const DEVICE_POLICIES: readonly Topic[] = [
  {
    key: 'return-window',
    category: 'returns',
    values: { fact: range(14, 100, 1, 'days'), refund: range(3, 14, 1, 'working days') },
    questions: [
      'How many days do I have to return the {product}?',
      'What is the return window for the {product}?',
    ],
    titles: ['Returning the {product}', 'Return policy for the {product}'],
    answers: [
      'The return window for the {product} is {fact}.',
      'You can return the {product} within {fact} of delivery.',
    ],
    details: [
      'The money is on your account {refund} after the parcel has reached us.',
      'Traces of an ordinary test are fine; [holes drilled into the housing are not|cut cables are not].',
      'Ask for a label [in the app under Orders|by chat], print it and hand the parcel in at any post office.',
      'Gifts can be returned too, in which case we send [a voucher|store credit] instead.',
      'Batteries travel as dangerous goods, so [never send one without our label|wait for the carrier to collect them].',
    ],
    steps: [
      'Ask for a return label in the {app}.',
      'Remove the {kind} from your account.',
      'Pack it in its own box.',
      'Hand it in and keep the receipt.',
    ],
  },
  {
    key: 'warranty',
    category: 'warranty',
    values: {
      fact: range(24, 144, 3, 'months'),
      part: oneOf('batteries', 'filters', 'seals', 'cables', 'fans', 'covers'),
    },
    questions: [
      'How long is the warranty of the {product}?',
      'For how many months is the {product} under warranty?',
    ],
    titles: ['Warranty of the {product}', 'What the warranty of the {product} covers'],
    answers: [
      'The warranty of the {product} runs for {fact} from the day of purchase.',
      'The {product} comes with a warranty of {fact}.',
    ],
    details: [
      'It covers faults of material and make; [wear of {part} is left out|{part} count as wearing parts].',
      'Registration is not needed, the [invoice|order number] is enough.',
      'A repaired or exchanged {kind} keeps [the rest of the first term|the term of the first one].',
      'Opening the housing yourself [ends the warranty|puts the warranty at risk], whereas changing the cover does not.',
      'If you sell it, the warranty goes with the device to its new owner.',
    ],
  },
  {
    key: 'restocking-fee',
    category: 'returns',
    values: { fact: range(4, 25, 0.5, '%'), after: range(5, 12, 1, 'weeks') },
    questions: [
      'What is the restocking fee for an opened {product}?',
      'How much is kept back when I return a used {product}?',
    ],
    titles: ['Restocking fee for the {product}', 'Sending back an opened {product}'],
    answers: [
      'The restocking fee for an opened {product} is {fact} of its price.',
      'For a {product} that has been used, {fact} of the price is kept back.',
    ],
    details: [
      'An unopened box costs [nothing|no fee].',
      'The fee is waived when [the device was faulty|we sent the wrong one|it came damaged].',
      'We tell you the sum [before anything is booked|by mail] and you can have the {kind} sent back instead.',
      'After {after} without an answer the case is closed.',
    ],
  },
  {
    key: 'delivery-time',
    category: 'orders',
    values: {
      fact: range(2, 29, 1, 'working days'),
      carrier: oneOf('parcel post', 'a freight carrier', 'our own vans', 'a bicycle courier in towns'),
    },
    questions: [
      'How long does delivery of the {product} take?',
      'When will my {product} arrive after I have ordered it?',
    ],
    titles: ['Delivery of the {product}', 'When does the {product} arrive?'],
    answers: ['Delivery of the {product} takes {fact}.', 'The {product} arrives {fact} after the order.'],
    details: [
      'It is brought by {carrier}, and you choose the day.',
      'Islands and mountain villages [take a little longer|need one more day].',
      'You can follow the parcel in the {app}, where [changes of address are possible until it leaves|a neighbour can be named].',
      'If the box is damaged, [take a photo before you open it|have the driver note it].',
    ],
  },
  {
    key: 'spare-part',
    category: 'repairs',
    values: {
      fact: code('SP-', 5),
      part: oneOf(
        'front cover',
        'power supply',
        'wall bracket',
        'cable set',
        'seal',
        'filter',
        'antenna',
        'terminal block',
        'display glass',
      ),
      price: range(6, 90, 1),
    },
    questions: [
      'What is the part number of the {part} for the {product}?',
      'Which spare part do I order to replace the {part} of the {product}?',
    ],
    titles: ['Spare parts for the {product}', 'Ordering a {part} for the {product}'],
    answers: [
      'The {part} of the {product} has the part number {fact}.',
      'To replace the {part} of the {product}, order part {fact}.',
    ],
    details: [
      'It costs {price} euros and is [kept in stock|sent on the same day if ordered before noon].',
      'Parts of other models look alike and [do not fit|break the latch], so compare the letter after the number.',
      'A film shows the exchange in [four|five|six] minutes; you find it in the app under Care.',
      'We keep parts for ten years after the last {kind} of a series has been sold.',
    ],
  },
  {
    key: 'recycling',
    category: 'recycling',
    values: {
      fact: oneOf(
        'free of charge',
        'for 5 euros',
        'for 9 euros',
        'for 12 euros',
        'for 15 euros',
        'for 20 euros',
        'for 25 euros',
        'for 40 euros',
      ),
      share: range(60, 96, 1, '%'),
    },
    questions: [
      'What does it cost to have an old {product} collected for recycling?',
      'Does {company} take back an old {product}, and at what price?',
    ],
    titles: ['Recycling the {product}', 'What to do with an old {product}'],
    answers: [
      '{company} collects an old {product} {fact} and recycles it.',
      'An old {product} is picked up at your door {fact}.',
    ],
    details: [
      'About {share} of the materials are used again, [copper and aluminium above all|most of it metal].',
      'Never put it into the household waste, since [the cell inside can catch fire|it holds a small battery].',
      'Erase your data first by a factory reset.',
      'Collection days differ by place and are [shown in the app|listed with your nearest service centre].',
    ],
  },
  {
    key: 'end-of-support',
    category: 'support',
    values: {
      fact: oneOf('2029', '2030', '2031', '2032', '2033', '2034', '2035', '2036', '2037', '2038'),
      month: oneOf('March', 'June', 'September', 'December'),
    },
    questions: [
      'Until when does the {product} get security updates?',
      'In which year does support for the {product} end?',
    ],
    titles: ['How long the {product} is supported', 'Security updates for the {product}'],
    answers: [
      'The {product} gets security updates until the end of {month} {fact}.',
      'Support for the {product} ends in {month} {fact}.',
    ],
    details: [
      'After that it goes on working, [without the cloud|at home and without remote access].',
      'Updates are signed, and a {kind} refuses any that [was changed on the way|is not ours].',
      'Those who find a weakness can write to security@{domain}; we answer within [two|three] days.',
      'Owners are told a year ahead and [get a discount on its successor|may trade it in].',
    ],
  },
];
