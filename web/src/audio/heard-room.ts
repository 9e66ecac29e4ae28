/** What the ear is told of a room: its record, and the pressure at the listener by network and solver. */
import type { Recording } from "./pulse-response";

export interface HeardRoom {
  readonly scene: Recording;
  /** Pressure at the listener by the network; another array whenever it has changed. */
  readonly response: Float32Array | null;
  /** By the solver; null while it computes, or where there is none. */
  solverResponse(): Float32Array | null;
}

/** What one listens through. */
export type Heard = "network" | "solver" | "dry";
