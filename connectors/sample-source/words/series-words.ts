/** Series that products belong to: everyday words, so that a name is easy to tell from another. */
export const SERIES_WORDS: readonly string[] = (
  'Alder Amber Anvil Arbour Argent Aspen Aster Aurora Badger Bantam Basalt Beacon Bittern Bramble Breaker Briar ' +
  'Bronze Bulrush Burdock Cairn Camber Canyon Cedar Chalk Cinder Clover Cobalt Comet Copper Coral Cormorant Cove ' +
  'Crescent Cypress Dapple Delta Dipper Drift Dunlin Eider Ember Falcon Fathom Fennel Fern Finch Flint Foxglove ' +
  'Gable Garnet Gorse Granite Grebe Grove Gull Harbour Hawthorn Hazel Heather Heron Hollow Indigo Islet Ivory ' +
  'Jasper Juniper Kelp Kestrel Lagoon Lantern Larch Lark Laurel Lichen Linden Linnet Lupin Magnet Mallow Maple ' +
  'Marlin Marsh Meadow Meridian Merlin Mica Mistral Monsoon Mulberry Nectar Nettle Nimbus Oakum Obsidian Ochre ' +
  'Onyx Opal Osprey Otter Pebble Pewter Pilot Plover Poplar Prism Quarry Quartz Quill Raven Rowan Russet Saffron ' +
  'Sandpiper Sequoia Shale Signal Skerry Slate Sorrel Sparrow Spruce Summit Swift Sycamore Tamarind Teal Tempest ' +
  'Thistle Thunder Tidal Timber Topaz Tundra Umber Velvet Verdant Vesper Walnut Warbler Willow Wren Yarrow Zephyr'
).split(' ');
