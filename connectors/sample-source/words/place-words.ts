/** Towns made of a qualifier, a beginning and an ending; nobody means the real ones that a few of them share a name with. */
export const TOWN_QUALIFIERS: readonly string[] = [
  '',
  'North ',
  'Upper ',
  'Great ',
  'Little ',
  'East ',
  'Lower ',
  'Old ',
  'West ',
  'South ',
  'Castle ',
  'Abbey ',
];

export const TOWN_BEGINNINGS: readonly string[] = (
  'Alder Ash Barrow Beck Birch Bram Brock Calder Carr Cole Cran Dal Dun Elm Fal Farn Gar Glen Hather Hazel Hol ' +
  'Kel Kirk Lang Lind Mal Mar Mere Nether Oaken Orm Pen Raven Ros Scar Sel Stan Thorn Wether Win Wul Yar'
).split(' ');

export const TOWN_ENDINGS: readonly string[] = (
  'bury by combe cote dale den field ford gate ham hurst ing leigh ley low mere minster moor mouth ness shaw sted ' +
  'stoke thorpe ton wick worth'
).split(' ');

export const STREETS: readonly string[] = (
  'Mill Lane|Station Road|Foundry Street|Quay Road|Orchard Way|Kiln Close|Market Place|Bridge Street|Weir Lane|' +
  'Chapel Row|Tannery Yard|Ropewalk|Depot Road|Canal Street|Windmill Hill|Brewery Lane|Sawmill Road|Dock Street'
).split('|');

/** Tariffs: a quality and a noun. */
export const PLAN_QUALITIES: readonly string[] = (
  'Amber Balanced Blue Bright Calm Clear Cosy Daylight Early Evergreen Even Fair First Fixed Flexible Fresh Gentle ' +
  'Golden Green Harvest Honest Late Level Local Long Midnight Moonlight Open Plain Prime Quiet Rapid Ready Simple ' +
  'Smart Solar Steady Sunrise Tidal Warm'
).split(' ');

export const PLAN_NOUNS: readonly string[] = (
  'Saver Tracker Plan Bundle Choice Hours Promise Drive Home Exchange Export Reserve Nights Weekend Family Start ' +
  'Plus Circle Balance Return Anchor Current Season'
).split(' ');
