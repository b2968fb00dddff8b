import { abortActions } from '../../abort-actions';

interface Place<T> {
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
  deadline: number;
  left: boolean;
}

/** Those who wait for a connection, first come, first served. */
export class WaitingLine<T> {
  private places: Place<T>[] = [];
  private head = 0;
  private leavers = 0;

  get length(): number {
    return this.places.length - this.head - this.leavers;
  }

  /** Rejects with the signal's reason when it fires first. */
  join(deadline: number, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const place: Place<T> = { resolve, reject, deadline, left: false };
      this.places.push(place);
      if (signal) this.leaveOnAbort(place, signal);
    });
  }

  /** Gives the value to whoever is first; false when nobody waits. */
  serve(value: T): boolean {
    const place = this.shift();
    place?.resolve(value);
    return place !== undefined;
  }

  /** Turns the first one away; false when nobody waits. */
  turnAway(error: unknown): boolean {
    const place = this.shift();
    place?.reject(error);
    return place !== undefined;
  }

  /** Turns away those whose time is up. They are in the order of their deadlines, as all wait equally long. */
  expire(now: number, makeError: () => unknown): void {
    for (;;) {
      this.dropLeavers();
      const place = this.places[this.head];
      if (!place || place.deadline > now) return;
      this.turnAway(makeError());
    }
  }

  private shift(): Place<T> | undefined {
    this.dropLeavers();
    const place = this.places[this.head];
    if (place) this.advance();
    return place;
  }

  private dropLeavers(): void {
    while (this.places[this.head]?.left) {
      this.leavers -= 1;
      this.advance();
    }
  }

  private advance(): void {
    this.head += 1;
    if (this.head < this.places.length) return;
    this.places = [];
    this.head = 0;
  }

  private leaveOnAbort(place: Place<T>, signal: AbortSignal): void {
    const { resolve, reject } = place;
    const actions = abortActions(signal);
    const leave = () => {
      place.left = true;
      this.leavers += 1;
      reject(signal.reason);
    };
    actions.add(leave);
    place.resolve = (value) => {
      actions.delete(leave);
      resolve(value);
    };
    place.reject = (error) => {
      actions.delete(leave);
      reject(error);
    };
  }
}
