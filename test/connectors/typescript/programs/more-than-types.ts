/** What a configuration of somebody's may hold: none of it is in Freshet's own sources. */
enum Colour {
  Red = 'red',
}

console.log(Colour.Red);
