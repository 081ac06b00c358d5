"""RabbitMQ: a node, or a cluster of nodes, of the test's own."""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import broker  # first

import backend
import configuration
import lacking
import server

FOLDER = pathlib.Path("/usr/lib/rabbitmq/bin")
START_DEADLINE = 180.0 * server.client.PATIENCE
TOOL = pathlib.Path(__file__).with_name("rabbit_tool.py")


class Node:
    """One node: started, killed, started again over what it kept."""

    def __init__(self, cluster, number):
        self.number = number
        self.directory = cluster.directory / f"node-{number}"
        self.directory.mkdir()
        self.port, self.tls_port, self.distribution_port = (backend.free_port() for _ in range(3))
        self.name = f"wx{number}-{self.port}@localhost"
        self.process = None
        self._cluster = cluster

    def configure(self, names, more):
        lines = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "listeners.ssl.1": f"127.0.0.1:{self.tls_port}",
            "ssl_options.cacertfile": self._cluster.certificate,
            "ssl_options.certfile": self._cluster.certificate,
            "ssl_options.keyfile": self._cluster.private_key,
            "loopback_users": "none",
            "disk_free_limit.absolute": "50MB",
            "log.console": "false",
            "log.file": "log",
            **more,
        }
        if len(names) > 1:
            lines["cluster_formation.peer_discovery_backend"] = "classic_config"
            lines.update(
                {f"cluster_formation.classic_config.nodes.{i}": name for i, name in enumerate(names, 1)}
            )
        text = "".join(f"{key} = {value}\n" for key, value in lines.items())
        (self.directory / "rabbitmq.conf").write_text(text)
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text("wxpush")
        cookie.chmod(0o400)

    def environment(self):
        place = self.directory
        own = {
            "HOME": place,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_MNESIA_BASE": place / "mnesia",
            "RABBITMQ_LOG_BASE": place / "logs",
            "RABBITMQ_CONFIG_FILE": place / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": place / "plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": self.distribution_port,
            "RABBITMQ_PID_FILE": place / "pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",  # several nodes on a small machine
            "ERL_EPMD_PORT": self._cluster.epmd_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        return {**os.environ, **{key: str(value) for key, value in own.items()}}

    def spawn(self):
        with open(self.directory / "output", "ab") as output:
            self.process = subprocess.Popen(
                [FOLDER / "rabbitmq-server"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended: " + (self.directory / "output").read_text())
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()


class RabbitBroker(broker.Broker):
    """`nodes` of them in one cluster; `more` are lines of rabbitmq.conf."""

    name = "amqp"

    def __init__(self, nodes=1, **more):
        if not (FOLDER / "rabbitmq-server").exists():
            lacking.tool("rabbitmq-server is not installed: ./dev setup test")
        super().__init__()
        self.epmd_port = backend.free_port()
        self.certificate, self.private_key = configuration.make_certificate(self.directory)
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]
        for node in self.nodes:
            node.configure([one.name for one in self.nodes], more)
        self.queues = ["wxpush"]  # that received() looks into
        self._received = []

    def handler(self, name, **settings):
        hosts = [f"127.0.0.1:{node.port}" for node in self.nodes]
        return {"name": name, "type": "amqp", "hosts": hosts, "password": "guest", **settings}

    def start(self):
        for node in self.nodes:
            if node.process is None or node.process.poll() is not None:
                node.spawn()
        server.wait_until(lambda: all(node.is_up() for node in self.nodes), "RabbitMQ", START_DEADLINE)
        return self

    def kill(self):
        for node in self.nodes:
            node.kill()

    def pause(self):
        for node in self.nodes:
            node.signal(signal.SIGSTOP)

    def resume(self):
        for node in self.nodes:
            node.signal(signal.SIGCONT)

    def received(self):
        """Takes what is there out of the queues; all that was ever taken."""
        for line in self.tool({"do": "read", "queues": self.queues}).splitlines():
            told = json.loads(line)
            assert told["persistent"] and told["message_id"] == told["headers"]["ce-id"], told
            self._received.append(
                broker.Received(told["headers"], base64.b64decode(told["body"]), told["partition"])
            )
        return self._received

    def tool(self, command):
        """Something that users of RabbitMQ do (rabbit_tool.py); what it printed."""
        node = next(node for node in self.nodes if node.process.poll() is None)
        result = subprocess.run(
            [broker.PYTHON, TOOL, str(node.port), json.dumps(command)],
            capture_output=True,
            text=True,
            timeout=600,
        )
        if result.returncode != 0:
            raise AssertionError(f"RabbitMQ refuses {command}: {result.stderr[-2000:]}")
        return result.stdout

    def use(self, *queues):
        """From here on only these are read."""
        self.queues, self._received = list(queues), []

    def declare(self, queue):
        """A quorum queue, made as a handler makes its own, which waits until the node has it written down."""
        arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        self.tool({"do": "queue", "name": queue, "arguments": arguments})
        server.wait_until(lambda: self._has_written_down(queue), "the queue written down", START_DEADLINE)

    def _has_written_down(self, queue):
        known = f"%2F_{queue}".encode()
        return all(
            any(known in path.read_bytes() for path in node.directory.glob("mnesia/*/quorum/*/names.dets"))
            for node in self.nodes
        )

    def suspend(self, queue, do="suspend"):
        """The queue neither takes nor refuses, until resume_queue()."""
        self.control("eval", f"sys:{do}('%2F_{queue}').")

    def resume_queue(self, queue):
        self.suspend(queue, "resume")

    def control(self, *arguments, tool="rabbitmqctl"):
        """rabbitmqctl or another tool of the folder, of the first node that runs; what it printed."""
        node = next(node for node in self.nodes if node.process.poll() is None)
        command = [FOLDER / tool, "-q", "-n", node.name, *arguments]
        result = subprocess.run(command, env=node.environment(), capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def members(self, queue):
        """The names of the nodes that a quorum queue has members on."""
        return self._about(queue, "members")

    def online(self, queue):
        """Those of them that are there now."""
        return self._about(queue, "online")

    def leader(self, queue):
        return self._about(queue, "leader")

    def _about(self, queue, column):
        queues = json.loads(self.control("list_queues", "name", column, "--formatter", "json"))
        return next(one[column] for one in queues if one["name"] == queue)

    def require_copies(self, count):
        """Each queue has so many members: they are not what a cluster has, but what it had when the queue was made."""
        for queue in self.queues:
            members = self.members(queue)
            assert len(members) == count, f"queue {queue} has members on {members}"

    def close(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.signal(signal.SIGCONT)
        self.kill()
        if shutil.which("epmd"):
            server.wait_until(self._has_ended_epmd, "the end of epmd", START_DEADLINE)
        super().close()

    def _has_ended_epmd(self):
        """Which refuses as long as it knows of a node, and it hears of one's end only after a moment."""
        environment = {**os.environ, "ERL_EPMD_PORT": str(self.epmd_port)}
        result = subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, text=True, timeout=30)
        return result.returncode == 0 or "Cannot connect" in result.stdout + result.stderr
