interface Place {
  readonly name: string;
}

const place: Place = { name: 'here' };
const name: string = place.name;
throw new Error(name);
