/** Everyone who is measured, in the order of the tables. To add one: a folder in bench/peers and a line here. */
import { dragoman } from "../peers/dragoman/contestant.ts";
import { envoyProxy, envoyTranscoder } from "../peers/envoy/contestant.ts";
import { grpcGateway } from "../peers/grpc-gateway/contestant.ts";
import { haproxy } from "../peers/haproxy/contestant.ts";
import { nginx } from "../peers/nginx/contestant.ts";
import { obviousBridge, obviousProxy, obviousRelay, obviousSocketRelay, obviousStack } from "../peers/obvious-stack/contestant.ts";
import { sketchForward, sketchPipeline, sketchW } from "../peers/sketch/contestant.ts";
import type { Contestant } from "./contestant.ts";

export const contestants: readonly Contestant[] = [
  dragoman,
  obviousStack,
  obviousRelay,
  obviousBridge,
  obviousProxy,
  obviousSocketRelay,
  grpcGateway,
  envoyTranscoder,
  envoyProxy,
  nginx,
  haproxy,
  sketchW,
  sketchPipeline,
  sketchForward,
];
