import type { Scope } from '../topics/all-topics.ts';

/** First sentences: who should read on. */
export const INTRODUCTIONS = {
  device: [
    'This article is for everybody who [owns|lives with|looks after] a {product}.',
    'The {product} {purpose}.',
    'We are asked this [nearly every week|often|a great deal], so here is the answer [in full|once and for all].',
    'What follows holds for the {product} with [current|up-to-date] firmware.',
    'You need [no tools|nothing but the {app}|a phone and a few minutes] for this.',
    'Please read this before you [call us|open the housing|change anything].',
  ],
  software: [
    'The {product} {purpose}.',
    'This page is for people who use the {product} [at home|at work|every day].',
    'Many of you have written to us about this since the last release of the {product}.',
    'The answer below is the same [in the browser and on the phone|on all devices].',
  ],
  place: [
    '{company} has been in {town} for [some years|a good while] now.',
    'Customers around {town} [ask us this a lot|often ask about this].',
    'Our people in {town} look after homes in the town and the villages around it.',
  ],
  plan: [
    'The {plan} tariff is one of several that {company} offers.',
    'Here is what [matters|you should know] before you sign up for {plan}.',
    '{plan} is meant for people who [can wait for cheap hours|like to know what they pay|make power of their own].',
  ],
} as const satisfies Record<Scope, readonly string[]>;

/** Last sentences: what to do if this was no help. */
export const CLOSINGS: readonly string[] = [
  'If this does not help, write to help@{domain} and quote {reference}.',
  'Still stuck? Open a chat in the {app} and name article {reference}.',
  'Tell us below whether this was of use; [your remarks on|corrections to] {reference} are read by a person.',
  'Call us on any working day; with the number {reference} we [know at once what you have read|need not start from the beginning].',
  'This article, {reference}, is checked [twice a year|each spring|after every release].',
];

/** Whole paragraphs for long articles, with the heading each stands under. */
export const BACKGROUND = {
  device: [
    [
      'Before you start',
      'Set aside a quiet [half hour|hour] and have the {app} ready. Work on the mains is for electricians: what is described here as a task for you can be done with the cover on. Take a photo of how things are now, so that you can go back to it. If you rent your home, ask the owner before anything is [drilled|moved], and keep the old parts.',
    ],
    [
      'How it works',
      'The {kind} {purpose}. To do so it measures several times a second and compares what it sees with what it expects. Small differences are evened out at once, large ones are reported to the hub, and anything that looks dangerous makes it stop. All of this happens inside the {kind} itself, which is why it goes on working while the internet is down. The cloud is needed for [the view from afar and for forecasts|forecasts, reports and remote control] only.',
    ],
    [
      'Looking after it',
      'Wipe the {kind} with a [dry|slightly damp] cloth from time to time and keep spray away from it. Once a year, in [spring|autumn], look at the cables and press the test entry in the app. There is nothing inside that you could oil, refill or adjust. If it stands in {spot}, see that [boxes and coats|tools and paint] do not come too close over the years.',
    ],
    [
      'Children, pets and guests',
      'Turn on the child lock in the {app} if little hands can reach the {button}. Guests can be given access for [a weekend|a few days] without an account: they scan a picture and can change what you allow, and no more. Pets do no harm, though [cats are fond of warm places|rabbits should be kept from the cables].',
    ],
    [
      'Working with other products',
      'The {product} gets on with everything that {company} has made in the past [six|eight] years. Products of other makers can be joined as long as they follow an open standard; they then show up with a grey frame. What they cannot do is take part in the plan for cheap hours, because they do not tell us in advance what they will need. If two of them want to be in charge of the same appliance, [take the right to switch from one|let only one of them switch].',
    ],
    [
      'Privacy',
      'Readings belong to you. They are kept in your home and, if you agree, in encrypted form in our data centre. We use them to [answer your questions|find faults] and, without your name, to make forecasts better. You can see each access in the {app} under Privacy, and withdraw your consent there with immediate effect. The {kind} has no microphone and no camera.',
    ],
    [
      'Moving house',
      'If you take the {kind} with you, export your settings first and remove it from the home in the {app}. In the new place it has to be set up and calibrated again, and it must be registered with the grid operator where the old one was. If it stays behind, hand it over to the next people by choosing Transfer; your history goes with you, and [they start with a clean page|theirs begins on that day].',
    ],
  ],
  software: [
    [
      'Before you start',
      'Sign in with your own name and not with one that is shared, so that changes can be told apart. Update the {product} first. If you look after several homes, choose the right one at the top left; [most mistakes happen there|it is easy to overlook].',
    ],
    [
      'How it works',
      'The {product} {purpose}. It takes the readings that your devices send, looks at the weather and at prices, and works out what is best for the coming days. The result is sent to the devices as a plan, which they can follow even without a connection. When things turn out otherwise, a new plan is made within [a minute|two minutes].',
    ],
    [
      'Accessibility',
      'All functions can be reached with the keyboard, and screen readers are told what a chart shows in [two or three|a few] sentences. Type can be made larger without anything being cut off. If something gets in your way, please tell us: such faults are mended [before new functions are made|first].',
    ],
    [
      'Security',
      'Passwords are never stored as such. Sign in with a passkey if your phone offers it. You see all devices that are signed in under Security and can send any of them away. We never ask for your password [by mail or on the phone|in a chat], and who does so is not from {company}.',
    ],
  ],
  place: [
    [
      'Getting there',
      'The bus stops [in front of the door|two minutes away], and bicycles can be locked in the yard at {street}. Heavy things are unloaded at the gate; ring and somebody will come with a trolley. In the weeks before winter it is busy, so [come in the morning|book a time].',
    ],
    [
      'What we do here',
      'In {town} we repair, lend and explain. Most faults are found on the spot, and where a part has to be ordered you can borrow a device for the time. On one evening a month there is a talk about [heat pumps|batteries|saving power], which is open to everybody.',
    ],
  ],
  plan: [
    [
      'How to change',
      'You can move to {plan} in the {app} in a few minutes. We tell your old supplier and take care of the dates, so the power is never off. The first bill is [split by day|counted from the day of the change], and credit is paid out. If you think better of it, you can go back within two weeks without giving a reason.',
    ],
    [
      'What the price is made of',
      'About half of it is the power itself, a third goes to the grid, and the rest is tax and our own share. On {plan} we show each part on the bill. When the market falls, [we lower the price at the turn of the quarter|you are the first to gain].',
    ],
  ],
} as const satisfies Record<Scope, readonly (readonly [string, string])[]>;
