"""Numbers of a six-cylinder diesel engine of 12.7 litres with exhaust gas recirculation and variable turbine.

SI units, but for speeds in rpm, fuel in mg a cycle and cylinder, and openings in per cent. Names follow the source:

Wahlström, Eriksson, "Modelling diesel engines with a variable-geometry turbocharger and exhaust gas recirculation by
optimization of model parameters for capturing non-linear system dynamics", Proc. IMechE D 225 (2011), whose authors
publish the numbers with their model.
"""

# gas
C_PA, C_VA, R_A, GAMMA_A = 1011.0, 724.0, 287.0, 1.3964088397790055  # of air
C_PE, R_E, GAMMA_E = 1332.0, 286.0, 1.2734225621414914  # of exhaust gas
T_AMB, P_AMB, T_IM = 298.4636219512196, 101111.34146341463, 300.6185731707316
V_IM, V_EM = 0.022, 0.02  # volumes of the manifolds
X_OC = 0.2314  # oxygen in air, by mass

# cylinders
V_D, R_C, N_CYL = 0.01274, 17.0, 6.0  # displaced volume, compression ratio, cylinders
Q_HV, AIR_TO_FUEL = 42.9e6, 14.57
C_VOL = (-2.0816619843224996e-4, -3.4465158052700592e-3, 1.1497021021059144)
ETA_IGCH, GAMMA_CYL = 0.6893563004149508, 1.35
C_FRIC = (0.9727227568984633, -0.6768830302567218, 0.5981891259721203)
X_CV = 2.3370584441920436e-14  # fuel burnt at constant volume
D_PIPE, L_PIPE, N_PIPE, T_W = 0.1, 1.0, 2.0, 298.4636219512196

# exhaust gas recirculation
C_EGR = (-1.1104237992346e-4, 1.778061228607777e-2, 0.0)
PI_EGR, K_EGR = 0.6500040483261396, 1.8
TAU_EGR1, TAU_EGR2, DELAY_EGR = 0.05, 0.13, 0.065

# turbine
TAU_VGT, DELAY_VGT = 0.025, 0.04
K_T, R_T = 2.89019266110711, 0.04
C_F = (1.9479627004385558, -0.7763118932867504)
C_VGT = (126.87193572285548, 117.14474688230767)
BSR_OPT, ETA_TM = 0.9755203161802092, 0.818002726891074
C_M = (1.3563440681098633, 2769.2092015766916, 0.010000098744565608)
OMEGA_TLIN, C_MLIN = 2796.9012935924584, 1.4021470818125312
J_T = 2e-4

# compressor
R_COMP = 0.04
C_PSI = (1.0882051052898697e-8, -1.7319760359675625e-4, 1.0286164756408622)
C_PHI = (-1.4297782685109732e-8, -1.5498814145503597e-3, 29.646172151290827)
C_PI, ETA_C = 0.2707594738764899, 0.7363607879724583
W_COPT, PI_COPT = 0.27533757461959213, 1.045517746825637
Q_C = (3.091897768531849, -2.4823201383170015, 2.1478559620438133)  # the symmetric matrix: 11, 12, 22

# what wears: largest openings of valve (m²) and turbine (m²), non-ideal cylinder, heat lost to the pipes (W/(m² K))
A_EGRMAX, ETA_SC, H_TOT, A_VGTMAX = 4e-4, 1.1015294624801442, 96.27545984019156, 8.455767262643882e-4

COMMAND_RANGES = {
    "speed": (500.0, 2000.0, "rpm"),
    "fuel": (1.0, 250.0, "mg/cycle"),
    "EGR": (0.0, 100.0, "%"),
    "VGT": (20.0, 100.0, "%"),
}
