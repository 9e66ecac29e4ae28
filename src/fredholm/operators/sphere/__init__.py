"""Networks and operators on the sphere: spherical Fourier, graph, shifted windows, U-Net."""
