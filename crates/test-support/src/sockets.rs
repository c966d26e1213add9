//! Sockets with buffers of a fixed size: how much of a response is in them does not depend on the kernel's settings.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Bytes requested for each direction. Linux allocates twice as many, and then no longer adapts them to the connection.
const BUFFER: u32 = 16 * 1024;
/// Bytes of a response that mostly stays with the server until the client reads: many times what the buffers take.
pub const LARGE: usize = 1024 * 1024;

/// Listens on a free port. What the server still has to send is in a small buffer, or in the server.
pub fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    // The connections inherit it.
    socket.set_send_buffer_size(BUFFER).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(1024).unwrap()
}

/// A client with a small buffer: little reaches it before it reads.
pub async fn client(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER).unwrap();
    socket.connect(address).await.unwrap()
}
