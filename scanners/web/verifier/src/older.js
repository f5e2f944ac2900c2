// What browser cores of 2021 lack and this page needs (many Android and desktop browsers are built on older ones).
// Imported first. Taking the methods away and loading the page again is how it is tested.

if (!Object.hasOwn) {
  Object.hasOwn = (value, name) => Object.prototype.hasOwnProperty.call(value, name);
}

for (const { prototype } of [Array, Uint8Array]) {
  if (!prototype.at) {
    Object.defineProperty(prototype, 'at', {
      value(place) {
        return this[place < 0 ? this.length + place : place];
      },
    });
  }
}
