// The images to send. Each client has a copy of what its scenario opens: open only what is sent.

export function photograph(name) {
  // An address, in which a space is %20; open() wants a path.
  const address = import.meta.resolve(`../../../docs/images/${name}.jpg`);
  return open(decodeURIComponent(address), 'b');
}

// What tests/k6/pictures.py has written into the folder PICTURES; scripts/k6 runs it beforehand.
export function generated(file) {
  const folder = __ENV.PICTURES;
  if (!folder) throw new Error('set PICTURES to a folder that tests/k6/pictures.py has filled');
  return open(`${folder}/${file}`, 'b');
}
