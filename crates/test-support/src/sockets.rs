//! Sockets whose buffers have a size of their own: how much of an answer lies in them does not hang on the kernel's settings.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Bytes that are asked for in each direction. Linux takes twice as many, and no longer adapts them to the connection.
const BUFFER: u32 = 16 * 1024;
/// Bytes of an answer of which most stay with the server until the client reads: many times what the buffers hold.
pub const LARGE: usize = 1024 * 1024;

/// Listens on a free port. What the server has yet to send on its connections lies in a small buffer, or in the server.
pub fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    // The connections inherit it.
    socket.set_send_buffer_size(BUFFER).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(1024).unwrap()
}

/// A client that is sent little before it reads.
pub async fn client(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER).unwrap();
    socket.connect(address).await.unwrap()
}
