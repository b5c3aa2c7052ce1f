/** Everyone who is measured, in the order of the tables. To add one: a folder in bench/peers and a line here. */
import { dragoman } from "../peers/dragoman/contestant.ts";
import { obviousStack } from "../peers/obvious-stack/contestant.ts";
import { sketchForward, sketchPipeline, sketchW } from "../peers/sketch/contestant.ts";
import type { Contestant } from "./contestant.ts";

export const contestants: readonly Contestant[] = [dragoman, obviousStack, sketchW, sketchPipeline, sketchForward];
