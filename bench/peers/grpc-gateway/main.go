// REST in front of the benchmark's backend with grpc-gateway v2, as its documentation shows it.
//
//	grpc-gateway PORT BACKEND
//
// The marshaler's defaults are kept but for EmitUnpopulated, which is switched off so that every contestant answers with
// the same JSON. GOMAXPROCS is set from outside.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	"dragoman.dev/bench/grpc-gateway/gen/bench"
	"dragoman.dev/bench/grpc-gateway/gen/helloworld"
)

// forwarded passes on what a traced and authorised call needs, beside the gateway's own defaults.
func forwarded(name string) (string, bool) {
	switch lower := strings.ToLower(name); lower {
	case "traceparent", "x-request-id":
		return lower, true
	}
	return runtime.DefaultHeaderMatcher(name)
}

func main() {
	port, backend := os.Args[1], os.Args[2]
	mux := runtime.NewServeMux(
		runtime.WithIncomingHeaderMatcher(forwarded),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{
			Marshaler: &runtime.JSONPb{UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true}},
		}),
	)
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	ctx := context.Background()
	if err := helloworld.RegisterGreeterHandlerFromEndpoint(ctx, mux, backend, options); err != nil {
		log.Fatal(err)
	}
	if err := bench.RegisterOrdersHandlerFromEndpoint(ctx, mux, backend, options); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, mux))
}
