package server_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// A relay is made from a Config, whose zero value is the default, and serves
// until its context ends.
func Example() {
	relay, err := server.New(server.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- relay.Serve(ctx, l) }()

	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	login, _ := wire.AppendFrame(nil, &wire.Login{Key: rawKey(1).Bytes()})
	_, _ = client.Write(login)
	answer := make([]byte, wire.HeadSize)
	_, _ = io.ReadFull(client, answer)
	fmt.Println(wire.Kind(answer[0]), relay.Stats().LoggedIn[blubbel.Raw])

	stop()
	fmt.Println(<-ended)
	// Output:
	// login 1
	// <nil>
}
