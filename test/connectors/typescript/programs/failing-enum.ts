enum Colour {
  Red = 'red',
}

const colour: Colour = Colour.Red;
throw new Error(colour);
