import { oneOf, range, type Topic } from '../topic.ts';

/** Putting a device to work. */
export const DEVICE_SETUP: readonly Topic[] = [
  {
    key: 'reset-after-power-cut',
    category: 'setup',
    values: { fact: range(4, 40, 1, 'seconds'), wait: range(2, 9, 1, 'minutes') },
    questions: [
      'How do I reset the {product} after a power cut?',
      'How long must I hold the {button} to restart the {product} after an outage?',
    ],
    titles: ['Resetting the {product} after a power cut', 'After an outage: restart your {product}'],
    answers: [
      'After a power cut, hold the {button} of the {product} for {fact} until the {light} goes out, then let go.',
      'To reset the {product} after an outage, press and hold the {button} for {fact}.',
    ],
    details: [
      'Wait {wait} after the power is back before you start, because the mains often [dips again|flickers a second time|fails once more].',
      'Your [schedules|settings and schedules|rooms and schedules] are kept in memory that needs no power, so nothing has to be entered again.',
      'If the {light} stays dark, check the [breaker|fuse] of the circuit before anything else.',
      'The {kind} [reports|logs] the outage with its start and end, and the {company} app shows it under History.',
      'A short press only [wakes the display|mutes the alarm|silences the beep] and does not restart anything.',
    ],
    steps: [
      'Switch off the circuit that feeds the {kind}.',
      'Wait {wait}.',
      'Switch the circuit on again and watch for the {light}.',
      'Hold the {button} for {fact}.',
      'Open the {app} and check that the {kind} is shown as online.',
    ],
  },
  {
    key: 'pairing-window',
    category: 'setup',
    values: { fact: range(45, 300, 15, 'seconds'), distance: range(1, 6, 1, 'metres') },
    questions: [
      'How long does the {product} stay in pairing mode?',
      'How much time do I have to pair my phone with the {product}?',
    ],
    titles: ['Pairing the {product} with your phone', 'Connecting a phone to the {product}'],
    answers: [
      'Once started, pairing mode of the {product} stays open for {fact}.',
      'The {product} waits {fact} for a phone before it leaves pairing mode again.',
    ],
    details: [
      'Stand within {distance} of the {kind} and turn Bluetooth on [before you begin|first].',
      'While it waits, the {light} [breathes blue|pulses blue|fades in and out in blue].',
      'Only one phone can be paired at a time; [others are invited from the app later|family members are added in the app afterwards].',
      'A phone case with a magnet or metal plate can [weaken the signal|make pairing fail], so take it off if the phone is not found.',
      'If another home nearby pairs at the same moment, compare the last four characters of the serial number.',
    ],
    steps: [
      'Open the {app} and choose Add device.',
      'Press the {button} twice.',
      'Pick {model} from the list as soon as it shows up.',
      'Confirm the number that both screens show.',
    ],
  },
  {
    key: 'network-port',
    category: 'setup',
    values: {
      fact: range(8011, 9790, 7),
      protocol: oneOf('TCP', 'UDP'),
      reserve: range(10, 60, 5, 'minutes'),
    },
    questions: [
      'Which network port does the {product} need open in the firewall?',
      'What port must I allow on my router for the {product}?',
    ],
    titles: ['Firewall and network settings of the {product}', 'Network ports of the {product}'],
    answers: [
      'The {product} needs outgoing {protocol} port {fact} to be open in the firewall.',
      'Allow outgoing {protocol} traffic on port {fact} so that the {product} can reach {company}.',
    ],
    details: [
      'No incoming port is needed, and [port forwarding should stay off|nothing has to be forwarded].',
      'Guest networks that keep devices apart also keep the {kind} from [finding the hub|being found by the app].',
      'Networks in offices and schools often block what they do not know; ask [the administrator|whoever runs the network] to allow the domain {domain}.',
      'When the connection is refused, the {kind} tries again with growing pauses of up to {reserve}.',
      'Everything sent on this port is encrypted, and the certificate is [checked at each connection|renewed every month without your help].',
    ],
  },
  {
    key: 'mounting-height',
    category: 'setup',
    values: { fact: range(40, 190, 5, 'cm'), gap: range(5, 30, 1, 'cm'), screws: range(2, 8, 2) },
    questions: [
      'At what height should the {product} be mounted?',
      'How high above the floor do I fit the {product}?',
    ],
    titles: ['Where to mount the {product}', 'Choosing a place for the {product}'],
    answers: [
      'Mount the {product} {fact} above the floor.',
      'The lower edge of the {product} should sit {fact} above the floor.',
    ],
    details: [
      'The best place is {spot}.',
      'Leave {gap} of free space on every side, so that [air can move|it can be opened for service].',
      'Use the {screws} screws in the box; [plasterboard needs the wide anchors as well|masonry needs the grey plugs].',
      'Keep it out of direct sun, which [fades the housing|upsets its temperature reading].',
      'The paper template in the lid shows [where to drill|the holes at full size], with a line to be laid level.',
    ],
    steps: [
      'Hold the paper template against the wall and level it.',
      'Mark and drill the holes.',
      'Fix the back plate with {screws} screws.',
      'Hang the {kind} on the plate and push until it clicks.',
    ],
  },
  {
    key: 'firmware-duration',
    category: 'setup',
    values: { fact: range(3, 48, 1, 'minutes'), charge: range(20, 60, 5, '%') },
    questions: [
      'How long does a firmware update of the {product} take?',
      'How many minutes does updating the {product} need?',
    ],
    titles: ['Updating the firmware of the {product}', 'Firmware updates on the {product}'],
    answers: [
      'A firmware update of the {product} takes {fact}, during which it must not lose power.',
      'Allow {fact} for a firmware update of the {product}.',
    ],
    details: [
      'The {light} turns [white|violet] while the update is written.',
      'Updates start at night by themselves unless [you turn automatic updates off|automatic updates are switched off in the settings].',
      'The phone should be charged to at least {charge}, since it [carries the file over|feeds the update in small pieces].',
      'If the update stops half-way, the {kind} goes back to the release it had and [tries again the next night|says so in the app].',
      'Release notes for {model} are listed in the app under About this device.',
    ],
  },
  {
    key: 'first-calibration',
    category: 'setup',
    values: { fact: range(6, 96, 2, 'hours'), drift: range(2, 9, 1, '%') },
    questions: [
      'How long does the first calibration of the {product} take?',
      'When will a newly installed {product} have calibrated itself?',
    ],
    titles: ['The first days with the {product}', 'Calibration of a new {product}'],
    answers: [
      'The first calibration of the {product} takes {fact}.',
      'A newly installed {product} needs {fact} to calibrate itself.',
    ],
    details: [
      'Until then its readings may be off by up to {drift}, and the app [marks them with a small clock|shows them in grey].',
      'You can use the {kind} as usual in the meantime; [nothing is lost|only the advice it gives is held back].',
      'Moving it to another place starts the calibration afresh.',
      'Open windows, guests and holidays in these days [make it slower|lead to a poorer result], which a second run puts right.',
    ],
  },
];
