/** What a digest calls each kind, for one and for several. */
const names: Readonly<Record<string, readonly [one: string, several: string]>> = {
  follow: ['notification of new followers', 'notifications of new followers'],
  follow_request: ['request to follow you', 'requests to follow you'],
  like: ['post that was liked', 'posts that were liked'],
  reply: ['post with new replies', 'posts with new replies'],
  mention: ['mention', 'mentions'],
  repost: ['post that was shared', 'posts that were shared'],
  quote: ['post that was quoted', 'posts that were quoted'],
  moderation: ['message of the moderators', 'messages of the moderators'],
};

/** `1 mention, 3 posts with new replies`. A kind that a newer version of the other service knows is passed over. */
export function digestOf(details: Readonly<Record<string, string>>): string {
  const lines = Object.entries(details).flatMap(([kind, count]) => {
    const name = names[kind];
    return name ? [`${count} ${name[count === '1' ? 0 : 1]}`] : [];
  });
  return lines.length > 0 ? lines.join(', ') : 'something new';
}
