/** Scales: how a pressure becomes a place on the colour map, and where the bar has its ticks. */

export interface Tick {
  /** Place on the map, -1..1. */
  at: number;
  label: string;
}

export interface Scale {
  /** Place of a value on the colour map; values beyond the ends are held there. */
  place(value: number): number;
  ticks(): Tick[];
  unit: string;
}

/** Two significant figures, without trailing zeros and with a true minus sign. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(Math.abs(value)))));
  return Number(value.toFixed(digits)).toString().replace("-", "−");
}

/** Largest of 1, 2, 5 times a power of ten that is at most `value`. */
export function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

/** place = p / limit. */
export class LinearScale implements Scale {
  constructor(
    readonly limit: number,
    readonly unit: string,
  ) {}

  place(value: number): number {
    return Math.max(-1, Math.min(1, value / this.limit));
  }

  ticks(): Tick[] {
    const step = niceStep(this.limit / 2);
    const count = Math.floor(this.limit / step + 1e-9);
    return Array.from({ length: 2 * count + 1 }, (_, k) => {
      const value = (k - count) * step;
      return { at: value / this.limit, label: (value > 0 ? "+" : "") + shortNumber(value) };
    });
  }
}

/** place = sign(p) (1 + 20 log₁₀(|p| / reference) / range), zero below the range. */
export class DecibelScale implements Scale {
  readonly unit: string;

  constructor(
    readonly reference: number,
    readonly range: number,
    pressureUnit: string,
  ) {
    this.unit = `dB re ${shortNumber(reference)} ${pressureUnit}`;
  }

  place(value: number): number {
    const level = 1 + (20 * Math.log10(Math.abs(value) / this.reference)) / this.range;
    return Math.sign(value) * Math.max(0, Math.min(1, level));
  }

  ticks(): Tick[] {
    const steps = [0, 0.2, 0.4, 0.6, 0.8, 1];
    const label = (at: number) => shortNumber((Math.abs(at) - 1) * this.range);
    const positive = steps.map((at) => ({ at, label: label(at) }));
    return [...positive.slice(1).map(({ at, label: text }) => ({ at: -at, label: text })), ...positive];
  }
}
