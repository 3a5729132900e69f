import { fold } from "../src/log/fold";
import { EMPTY, type Transcript } from "../src/log/model";
import { logOf, type Made } from "./steps";

/** What a log of these events amounts to. */
export const transcriptOf = (...events: Made[]): Transcript => fold(EMPTY, logOf(...events));
