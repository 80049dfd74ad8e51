// What is to be done when a pose has come to rest, and not any more as soon as it moves again.

export class Rest {
  private timer = 0;
  private current = new AbortController(); // aborted by the next move

  /** time: milliseconds without a move after which something rests. */
  constructor(private readonly time: number) {}

  /** It moves: what was to be done is given up, and what was asked for is told by its signal. */
  move(): void {
    window.clearTimeout(this.timer);
    this.current.abort();
    this.current = new AbortController();
  }

  /** Do it when it rests, unless it moves before. */
  wait(act: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.current;
    this.timer = window.setTimeout(() => void act(signal), this.time);
  }
}
