/** A kind of product. Device or software decides which topics its articles answer. */
export type Family = {
  readonly kind: string;
  /** Stands before the number in a model code: H in H140. */
  readonly letter: string;
  readonly nature: 'device' | 'software';
  readonly purpose: string;
  readonly button: string;
  readonly light: string;
  readonly spot: string;
  /** Lowest and highest price. */
  readonly price: readonly [number, number];
};

const device = (
  kind: string,
  letter: string,
  purpose: string,
  button: string,
  light: string,
  spot: string,
  price: readonly [number, number],
): Family => ({ kind, letter, nature: 'device', purpose, button, light, spot, price });

const software = (
  kind: string,
  letter: string,
  purpose: string,
  price: readonly [number, number],
): Family => ({
  kind,
  letter,
  nature: 'software',
  purpose,
  button: 'sync button',
  light: 'status badge',
  spot: 'any recent phone or computer',
  price,
});

export const FAMILIES: readonly Family[] = [
  device(
    'hub',
    'H',
    'links every energy device in the house and keeps them working when the internet is down',
    'reset button',
    'status ring',
    'a shelf near the router',
    [89, 249],
  ),
  device(
    'wall battery',
    'W',
    'stores surplus solar power and gives it back in the evening',
    'service button',
    'charge bar',
    'a garage or utility room',
    [2900, 8900],
  ),
  device(
    'inverter',
    'V',
    'turns the direct current of solar panels into mains power',
    'restart key',
    'grid lamp',
    'a dry wall close to the fuse box',
    [790, 2600],
  ),
  device(
    'car charger',
    'C',
    'charges an electric car and follows the cheapest hours of the day',
    'stop button',
    'front lamp',
    'an outside wall beside the parking space',
    [420, 1290],
  ),
  device(
    'thermostat',
    'T',
    'learns how quickly a home warms up and heats it only when people are in',
    'centre dial',
    'edge light',
    'an inside wall away from draughts',
    [79, 259],
  ),
  device(
    'smart plug',
    'P',
    'switches and measures a single appliance',
    'side button',
    'socket light',
    'any indoor socket',
    [14, 49],
  ),
  device(
    'energy meter',
    'M',
    'measures each circuit of the fuse box every second',
    'pairing key',
    'pulse light',
    'the fuse box',
    [99, 349],
  ),
  device(
    'heat pump controller',
    'K',
    'runs a heat pump by the weather forecast and the price of power',
    'mode button',
    'panel light',
    'the plant room',
    [240, 690],
  ),
  device(
    'radiator valve',
    'R',
    'sets the warmth of one room',
    'cap button',
    'ring light',
    'the inlet of the radiator',
    [29, 89],
  ),
  device(
    'solar kit',
    'S',
    'makes up to a third of a small household’s power on a balcony',
    'combiner switch',
    'string lamp',
    'a balcony rail or flat roof',
    [480, 1900],
  ),
  device(
    'leak detector',
    'L',
    'shuts the water off when a pipe bursts',
    'test button',
    'alarm light',
    'the floor beneath a sink or boiler',
    [35, 159],
  ),
  device(
    'home display',
    'D',
    'shows what the home uses, makes and stores at a glance',
    'wake key',
    'corner light',
    'a kitchen wall or worktop',
    [69, 219],
  ),
  device(
    'water heater timer',
    'Q',
    'heats the tank when power is cheap or the sun is out',
    'boost button',
    'heating lamp',
    'the airing cupboard',
    [85, 240],
  ),
  device(
    'backup switch',
    'B',
    'keeps chosen circuits alive in a power cut',
    'transfer button',
    'supply lamp',
    'the wall next to the fuse box',
    [350, 1100],
  ),
  device(
    'air sensor',
    'A',
    'tracks temperature, humidity and carbon dioxide in a room',
    'mute button',
    'air light',
    'a bedroom or living room at head height',
    [39, 129],
  ),
  device(
    'range extender',
    'X',
    'carries the radio signal to sheds, cellars and far bedrooms',
    'link button',
    'signal light',
    'a socket halfway to the far device',
    [32, 99],
  ),
  device(
    'ventilation unit',
    'U',
    'changes stale air for fresh and keeps most of its warmth',
    'filter key',
    'fan light',
    'an outside wall of the room it serves',
    [310, 980],
  ),
  device(
    'underfloor controller',
    'F',
    'balances the loops of an underfloor heating system',
    'zone button',
    'zone lights',
    'the manifold cabinet',
    [190, 540],
  ),
  software('planner app', 'N', 'plans when cars charge, tanks heat and batteries fill', [3, 12]),
  software(
    'insight portal',
    'G',
    'turns meter readings into reports a household or landlord can act on',
    [5, 29],
  ),
  software('installer toolkit', 'J', 'helps installers to commission and hand over a system', [19, 79]),
  software('fleet console', 'Y', 'watches hundreds of sites from one screen', [49, 240]),
  software('tariff engine', 'E', 'compares tariffs against the real use of a home', [4, 18]),
];
