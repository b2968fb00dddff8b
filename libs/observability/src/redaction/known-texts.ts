const LONGEST = 1024;
const MOST = 512;

/** Remembers what was made of texts that come again and again, such as routes, statements and user agents; bounded. */
export class KnownTexts {
  private readonly known = new Map<string, string>();

  constructor(private readonly make: (text: string) => string) {}

  get(text: string): string {
    return this.known.get(text) ?? this.learn(text);
  }

  private learn(text: string): string {
    const made = this.make(text);
    if (text.length > LONGEST) return made;
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(text, made);
    return made;
  }
}
