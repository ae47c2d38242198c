const named = (_: object, { name }: { name: string | undefined }): void => console.log(name);

@named
class Place {
  accessor colour: string = 'red';
}

console.log(new Place().colour);
