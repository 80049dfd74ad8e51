// Actions that wait for answers: of those that choose the photo only the newest counts, whatever answers come late.

/** Another action has begun meanwhile: what this one would have done is no longer wanted. */
export class Overtaken extends Error {}

/** Gives what a promise gives, or fails with Overtaken. */
export type Still = <T>(answer: Promise<T>) => Promise<T>;

export class Newest {
  private count = 0;

  /** An action begins that overtakes all before it. */
  begin(): Still {
    this.count += 1;
    return this.watch();
  }

  /** An action begins that overtakes none, but is overtaken. */
  watch(): Still {
    const mine = this.count;
    return async (answer) => {
      const [settled] = await Promise.allSettled([answer]);
      if (mine !== this.count) throw new Overtaken();
      if (settled.status === "rejected") throw settled.reason;
      return settled.value;
    };
  }
}
