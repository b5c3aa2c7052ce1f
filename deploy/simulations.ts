/** Runs the simulations of docs/policies and writes their plots: `node deploy/simulations.ts`. A test fails when one is behind. */
import { writeFileSync } from "node:fs";
import { plots } from "../test/simulation/plots.ts";

for (const [file, svg] of await plots()) writeFileSync(file, svg);
