/** The accounts of the development data. */
export const people = ['ada', 'grace', 'alan', 'barbara', 'edsger', 'margaret'];

/** Who follows whom: everybody has somebody to read, and not everybody reads everybody. */
export const follows = {
  ada: ['grace', 'alan', 'barbara'],
  grace: ['ada', 'margaret'],
  alan: ['ada', 'edsger'],
  barbara: ['ada', 'grace', 'edsger', 'margaret'],
  edsger: ['barbara'],
  margaret: ['ada', 'grace', 'alan', 'barbara', 'edsger'],
};

/** Rounds of posts, in the order in which they are written, so that a feed shows several people. */
export const rounds = [
  {
    ada: 'Hello, Rostrum! Is anybody here yet?',
    grace: 'First day. I have already found the ship’s bell, and it works.',
    alan: 'Good morning. I have a question about a very long paper tape.',
    barbara: 'Setting up my desk: three plants, one keyboard, no interruptions until noon.',
    edsger: 'I write these by hand first. The pen is excellent.',
    margaret: 'Checklist for today: check the checklist.',
  },
  {
    ada: 'Worked on a table of numbers until the candle was gone. Worth every minute.',
    grace: 'If you lose a nanosecond, look under the desk. They are about thirty centimetres long.',
    alan: 'Went for a run and solved half of a puzzle. Tomorrow the other half. 🏃',
    barbara: 'Today I put something behind an interface and nobody noticed. That was the plan.',
    edsger: 'Removed forty lines today. The programme is better for it.',
    margaret: 'We rehearsed the landing again. Then we rehearsed what to do when it goes wrong.',
  },
  {
    ada: 'Does a machine care how pretty its instructions are? I do.',
    grace: 'A moth in the relay again.\nIt has been asked to leave.',
    alan: 'Chess after tea? My opponent is made of cardboard and very patient.',
    margaret: 'Priority for this evening: whatever the alarm says is priority.',
  },
];
