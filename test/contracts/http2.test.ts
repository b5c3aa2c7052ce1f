/** Our HTTP/2 implementations with one another. */
import { connectByNode, serveByNode } from "../support/node-http2.ts";
import { http2Contract } from "./http2-contract.ts";

http2Contract("node:http2 both sides", { serve: serveByNode, connect: connectByNode });
