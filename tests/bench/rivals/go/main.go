// What a Go team would write first: net/http with the standard library's TLS and crypto. It verifies and decrypts a push,
// reads the event, and answers "success". Nothing is stored.
//
//	push PORT CERTIFICATE PRIVATE_KEY, with TOKEN, ENCODING_AES_KEY and APPID in the environment
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"
)

const maxBody = 1 << 20

type envelope struct {
	ToUserName string
	Encrypt    string
}

type event struct {
	Event       string
	ShopOrderID string `json:"shop_order_id"`
	OrderStatus int    `json:"order_status"`
}

type receiver struct {
	token string
	appid []byte
	iv    []byte
	block cipher.Block
}

func newReceiver(token, encodingAESKey, appid string) (*receiver, error) {
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &receiver{token, []byte(appid), key[:aes.BlockSize], block}, nil
}

func (r *receiver) signed(timestamp, nonce, encrypt, signature string) bool {
	parts := []string{r.token, timestamp, nonce, encrypt}
	sort.Strings(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(signature)) == 1
}

var errUnreadable = errors.New("not sealed for us")

func (r *receiver) open(encrypt string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, errUnreadable
	}
	cipher.NewCBCDecrypter(r.block, r.iv).CryptBlocks(text, text)
	padding := int(text[len(text)-1])
	if padding < 1 || padding > 32 || len(text)-padding < 20 {
		return nil, errUnreadable
	}
	text = text[:len(text)-padding]
	length := int(binary.BigEndian.Uint32(text[16:20]))
	if length > len(text)-20 || !bytes.Equal(text[20+length:], r.appid) {
		return nil, errUnreadable
	}
	return text[20 : 20+length], nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	var sealed envelope
	query := request.URL.Query()
	if json.Unmarshal(body, &sealed) != nil ||
		!r.signed(query.Get("timestamp"), query.Get("nonce"), sealed.Encrypt, query.Get("msg_signature")) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	message, err := r.open(sealed.Encrypt)
	var received event
	if err != nil || json.Unmarshal(message, &received) != nil {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	io.WriteString(w, "success")
}

func main() {
	r, err := newReceiver(os.Getenv("TOKEN"), os.Getenv("ENCODING_AES_KEY"), os.Getenv("APPID"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/wx/shop", r)
	server := http.Server{
		Addr:              "127.0.0.1:" + os.Args[1],
		Handler:           mux,
		ReadHeaderTimeout: 3 * time.Second,
		ReadTimeout:       5 * time.Second,
		IdleTimeout:       75 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}},
	}
	log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
