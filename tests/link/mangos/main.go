// A client in another language and by another implementation of SP: exchanges COUNT requests over
// SOCKETS sockets with URL and checks that each reply is its request.
//
//	mangos URL COUNT SOCKETS SIZE [DIR CERTIFICATE KEY]
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/req"
	_ "go.nanomsg.org/mangos/v3/transport/ipc"
	_ "go.nanomsg.org/mangos/v3/transport/tcp"
	_ "go.nanomsg.org/mangos/v3/transport/tlstcp"
)

func identity(dir, certificate, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(dir+"/"+certificate, dir+"/"+key)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(dir + "/ca.crt")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "localhost"}, nil
}

func exchange(url string, count, size int, config *tls.Config) error {
	sock, err := req.NewSocket()
	if err != nil {
		return err
	}
	defer sock.Close()
	options := map[string]interface{}{}
	if config != nil {
		options[mangos.OptionTLSConfig] = config
	}
	if err := sock.SetOption(mangos.OptionRecvDeadline, 30*time.Second); err != nil {
		return err
	}
	if err := sock.DialOptions(url, options); err != nil {
		return err
	}
	body := bytes.Repeat([]byte{'m'}, size)
	for i := 0; i < count; i++ {
		binary.LittleEndian.PutUint64(body, uint64(i))
		if err := sock.Send(body); err != nil {
			return err
		}
		reply, err := sock.Recv()
		if err != nil {
			return err
		}
		if !bytes.Equal(body, reply) {
			return fmt.Errorf("a reply is not its request")
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 5 && len(os.Args) != 8 {
		os.Exit(2)
	}
	count, _ := strconv.Atoi(os.Args[2])
	sockets, _ := strconv.Atoi(os.Args[3])
	size, _ := strconv.Atoi(os.Args[4])
	var config *tls.Config
	if len(os.Args) == 8 {
		var err error
		if config, err = identity(os.Args[5], os.Args[6], os.Args[7]); err != nil {
			fmt.Fprintln(os.Stderr, "mangos:", err)
			os.Exit(1)
		}
	}
	start := time.Now()
	done := make(chan error)
	for i := 0; i < sockets; i++ {
		go func() { done <- exchange(os.Args[1], count/sockets, size, config) }()
	}
	for i := 0; i < sockets; i++ {
		if err := <-done; err != nil {
			fmt.Fprintln(os.Stderr, "mangos:", err)
			os.Exit(1)
		}
	}
	fmt.Printf("%d requests in %.2f s\n", count/sockets*sockets, time.Since(start).Seconds())
}
