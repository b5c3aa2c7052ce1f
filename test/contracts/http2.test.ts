/** Our HTTP/2 implementations with one another. */
import { connectByNode, serveByNode } from "../support/node-http2.ts";
import { connectByOwn, serveByOwn } from "../support/own-http2.ts";
import { http2Contract } from "./http2-contract.ts";

http2Contract("node:http2 both sides", { serve: serveByNode, connect: connectByNode });
http2Contract("our server, node:http2 client", { serve: serveByOwn, connect: connectByNode });
http2Contract("node:http2 server, our client", { serve: serveByNode, connect: connectByOwn });
http2Contract("ours both sides", { serve: serveByOwn, connect: connectByOwn });
