import { SignIns } from "./SignIns";
import { Tokens } from "./Tokens";

/** By what one comes in: this browser and others, and tokens for programs. */
export function Access() {
  return (
    <>
      <h1 className="text-24 font-semibold">Access</h1>
      <SignIns />
      <Tokens />
    </>
  );
}
