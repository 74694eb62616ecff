# A client of a server in the same process, whose connections are in every state that matters. Prints "NAME COOKIE" for
# each and "ready"; then takes commands from standard input, a line each, and answers each with a line:
#   state NAME          what reading from the connection says: open, closed, or the name of an error
#   connect ADDRESS PORT N   how many of N new connections were opened at once, refused by permission, and failed otherwise
import errno, os, socket, struct, sys, time

COOKIE = 57
server = socket.create_server(("127.0.0.1", 0), backlog=512)
port = server.getsockname()[1]
kept = {}

def pair():
    client = socket.create_connection(("127.0.0.1", port))
    return client, server.accept()[0]

def add(name, client, far):
    kept[name] = (client, far)
    print(name, struct.unpack("Q", client.getsockopt(socket.SOL_SOCKET, COOKIE, 8))[0])

for name in "closed", "closed2":
    client, far = pair()
    far.close()
    add(name, client, None)
client, far = pair()
client.sendall(b"ask")
time.sleep(0.05)
far.sendall(b"answer")
client.recv(100)
add("idle", client, far)
client, far = pair()
far.sendall(b"hello")
client.recv(100)
time.sleep(0.05)
client.sendall(b"ask")
add("waiting", client, far)
client, far = pair()
client.sendall(b"ask")
time.sleep(0.05)
far.sendall(b"answer")
add("unread", client, far)
client, far = pair()
far.close()
add("shared", client, None)
child = os.fork()
if child == 0:
    for name in kept:
        if name != "shared":
            for s in kept[name]:
                s and s.detach() >= 0
    os.closerange(0, 3)
    keep = kept["shared"][0].fileno()
    os.closerange(3, keep)
    os.closerange(keep + 1, 1024)
    os.execv("/bin/sleep", ["sleep", "1000"]) if os.set_inheritable(keep, True) is None else None
print("sharer", child)
print("port", port)
print("ready", flush=True)

def state(name):
    client = kept[name][0]
    client.setblocking(False)
    try:
        return "closed" if client.recv(100, socket.MSG_PEEK) == b"" else "open"
    except BlockingIOError:
        return "open"
    except OSError as e:
        return errno.errorcode[e.errno]

def connect(address, port, count):
    opened = refused = failed = 0
    for _ in range(count):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            s.connect((address, port))
            opened += 1
        except PermissionError:
            refused += 1
        except OSError:
            failed += 1
        s.close()
    return f"{opened} {refused} {failed}"

for line in sys.stdin:
    words = line.split()
    print(state(words[1]) if words[0] == "state" else connect(words[1], int(words[2]), int(words[3])), flush=True)
os.kill(child, 9)
