import { entityTag, isUnchanged } from './entity-tag';

describe('If-None-Match', () => {
  const tag = entityTag(7);

  it.each(['"7"', 'W/"7"', '"6", "7"', '"6" , W/"7"', '*', ' * '])('%s names version 7', (header) => {
    expect(isUnchanged(header, tag)).toBe(true);
  });

  it.each([undefined, '', '7', '"77"', '"6", "8"', 'w/"7"', '"7', '**'])('%s does not', (header) => {
    expect(isUnchanged(header, tag)).toBe(false);
  });
});
