//! Constants and series, written by `scripts/double_double_constants.py`.

use super::DoubleDouble;

/// ln 2.
pub(super) const LN_2: DoubleDouble = DoubleDouble::from_parts(0.6931471805599453, 2.3190468138462996e-17);

/// ln 10.
pub(super) const LN_10: DoubleDouble = DoubleDouble::from_parts(2.302585092994046, -2.1707562233822494e-16);

/// pi.
pub(super) const PI: DoubleDouble = DoubleDouble::from_parts(3.141592653589793, 1.2246467991473532e-16);

/// pi / 2.
pub(super) const FRAC_PI_2: DoubleDouble = DoubleDouble::from_parts(1.5707963267948966, 6.123233995736766e-17);

/// pi / 4.
pub(super) const FRAC_PI_4: DoubleDouble = DoubleDouble::from_parts(0.7853981633974483, 3.061616997868383e-17);

/// 3 pi / 4.
pub(super) const FRAC_3_PI_4: DoubleDouble = DoubleDouble::from_parts(2.356194490192345, 9.184850993605148e-17);

/// 2 / sqrt(pi).
pub(super) const FRAC_2_SQRT_PI: DoubleDouble = DoubleDouble::from_parts(1.1283791670955126, 1.533545961316588e-17);

/// ln pi.
pub(super) const LN_PI: DoubleDouble = DoubleDouble::from_parts(1.1447298858494002, 1.0265951162707826e-17);

/// ln(2 pi) / 2.
pub(super) const HALF_LN_2PI: DoubleDouble = DoubleDouble::from_parts(0.9189385332046728, -3.8782941580672414e-17);

/// 1 minus Euler's constant.
pub(super) const ONE_MINUS_EULER: DoubleDouble = DoubleDouble::from_parts(0.42278433509846713, 4.942915152430645e-18);

/// ln 2 in parts: a whole number of 12 bits times one of the first two is exact.
pub(super) const LN_2_UPPER: f64 = 0.6931471805592082;
/// The next 40 bits.
pub(super) const LN_2_MIDDLE: f64 = 7.371002565161996e-13;
/// The rest.
pub(super) const LN_2_LOWER: DoubleDouble = DoubleDouble::from_parts(5.8029889835956905e-25, 1.0908259040173159e-41);

/// 1 / n! from n = 1: `(e^x - 1) / x`.
pub(super) const EXP: [DoubleDouble; 26] = [
    DoubleDouble::from_parts(1.0, 0.0),
    DoubleDouble::from_parts(0.5, 0.0),
    DoubleDouble::from_parts(0.16666666666666666, 9.25185853854297e-18),
    DoubleDouble::from_parts(0.041666666666666664, 2.3129646346357427e-18),
    DoubleDouble::from_parts(0.008333333333333333, 1.1564823173178714e-19),
    DoubleDouble::from_parts(0.001388888888888889, -5.300543954373577e-20),
    DoubleDouble::from_parts(0.0001984126984126984, 1.7209558293420705e-22),
    DoubleDouble::from_parts(2.48015873015873e-05, 2.1511947866775882e-23),
    DoubleDouble::from_parts(2.7557319223985893e-06, -1.858393274046472e-22),
    DoubleDouble::from_parts(2.755731922398589e-07, 2.3767714622250297e-23),
    DoubleDouble::from_parts(2.505210838544172e-08, -1.448814070935912e-24),
    DoubleDouble::from_parts(2.08767569878681e-09, -1.20734505911326e-25),
    DoubleDouble::from_parts(1.6059043836821613e-10, 1.2585294588752098e-26),
    DoubleDouble::from_parts(1.1470745597729725e-11, 2.0655512752830745e-28),
    DoubleDouble::from_parts(7.647163731819816e-13, 7.03872877733453e-30),
    DoubleDouble::from_parts(4.779477332387385e-14, 4.399205485834081e-31),
    DoubleDouble::from_parts(2.8114572543455206e-15, 1.6508842730861433e-31),
    DoubleDouble::from_parts(1.5619206968586225e-16, 1.1910679660273754e-32),
    DoubleDouble::from_parts(8.22063524662433e-18, 2.2141894119604265e-34),
    DoubleDouble::from_parts(4.110317623312165e-19, 1.4412973378659527e-36),
    DoubleDouble::from_parts(1.9572941063391263e-20, -1.3643503830087908e-36),
    DoubleDouble::from_parts(8.896791392450574e-22, -7.911402614872376e-38),
    DoubleDouble::from_parts(3.868170170630684e-23, -8.843177655482344e-40),
    DoubleDouble::from_parts(1.6117375710961184e-24, -3.6846573564509766e-41),
    DoubleDouble::from_parts(6.446950284384474e-26, -1.9330404233703465e-42),
    DoubleDouble::from_parts(2.4795962632247976e-27, -1.2953730964765229e-43),
];

/// `(sin(x) / x - 1) / x^2` in x^2.
pub(super) const SIN: [DoubleDouble; 14] = [
    DoubleDouble::from_parts(-0.16666666666666666, -9.25185853854297e-18),
    DoubleDouble::from_parts(0.008333333333333333, 1.1564823173178714e-19),
    DoubleDouble::from_parts(-0.0001984126984126984, -1.7209558293420705e-22),
    DoubleDouble::from_parts(2.7557319223985893e-06, -1.858393274046472e-22),
    DoubleDouble::from_parts(-2.505210838544172e-08, 1.448814070935912e-24),
    DoubleDouble::from_parts(1.6059043836821613e-10, 1.2585294588752098e-26),
    DoubleDouble::from_parts(-7.647163731819816e-13, -7.03872877733453e-30),
    DoubleDouble::from_parts(2.8114572543455206e-15, 1.6508842730861433e-31),
    DoubleDouble::from_parts(-8.22063524662433e-18, -2.2141894119604265e-34),
    DoubleDouble::from_parts(1.9572941063391263e-20, -1.3643503830087908e-36),
    DoubleDouble::from_parts(-3.868170170630684e-23, 8.843177655482344e-40),
    DoubleDouble::from_parts(6.446950284384474e-26, -1.9330404233703465e-42),
    DoubleDouble::from_parts(-9.183689863795546e-29, -1.4303150396787322e-45),
    DoubleDouble::from_parts(1.1309962886447716e-31, 1.0498015412959506e-47),
];

/// `(cos(x) - 1) / x^2` in x^2.
pub(super) const COS: [DoubleDouble; 14] = [
    DoubleDouble::from_parts(-0.5, 0.0),
    DoubleDouble::from_parts(0.041666666666666664, 2.3129646346357427e-18),
    DoubleDouble::from_parts(-0.001388888888888889, 5.300543954373577e-20),
    DoubleDouble::from_parts(2.48015873015873e-05, 2.1511947866775882e-23),
    DoubleDouble::from_parts(-2.755731922398589e-07, -2.3767714622250297e-23),
    DoubleDouble::from_parts(2.08767569878681e-09, -1.20734505911326e-25),
    DoubleDouble::from_parts(-1.1470745597729725e-11, -2.0655512752830745e-28),
    DoubleDouble::from_parts(4.779477332387385e-14, 4.399205485834081e-31),
    DoubleDouble::from_parts(-1.5619206968586225e-16, -1.1910679660273754e-32),
    DoubleDouble::from_parts(4.110317623312165e-19, 1.4412973378659527e-36),
    DoubleDouble::from_parts(-8.896791392450574e-22, 7.911402614872376e-38),
    DoubleDouble::from_parts(1.6117375710961184e-24, -3.6846573564509766e-41),
    DoubleDouble::from_parts(-2.4795962632247976e-27, 1.2953730964765229e-43),
    DoubleDouble::from_parts(3.279889237069838e-30, 1.5117542744029879e-46),
];

/// `(atanh(x) / x - 1) / x^2` in x^2.
pub(super) const ATANH: [DoubleDouble; 15] = [
    DoubleDouble::from_parts(0.3333333333333333, 1.850371707708594e-17),
    DoubleDouble::from_parts(0.2, -1.1102230246251566e-17),
    DoubleDouble::from_parts(0.14285714285714285, 7.93016446160826e-18),
    DoubleDouble::from_parts(0.1111111111111111, 6.1679056923619804e-18),
    DoubleDouble::from_parts(0.09090909090909091, -2.523234146875356e-18),
    DoubleDouble::from_parts(0.07692307692307693, -4.270088556250602e-18),
    DoubleDouble::from_parts(0.06666666666666667, 9.251858538542971e-19),
    DoubleDouble::from_parts(0.058823529411764705, 8.163404592832033e-19),
    DoubleDouble::from_parts(0.05263157894736842, 2.921639538487254e-18),
    DoubleDouble::from_parts(0.047619047619047616, 2.64338815386942e-18),
    DoubleDouble::from_parts(0.043478260869565216, 1.206764157201257e-18),
    DoubleDouble::from_parts(0.04, -8.326672684688674e-19),
    DoubleDouble::from_parts(0.037037037037037035, 2.05596856412066e-18),
    DoubleDouble::from_parts(0.034482758620689655, 4.785444071660157e-19),
    DoubleDouble::from_parts(0.03225806451612903, 8.953411488912552e-19),
];

/// The Bernoulli numbers B_2, B_4, ...
pub(super) const BERNOULLI: [DoubleDouble; 28] = [
    DoubleDouble::from_parts(0.16666666666666666, 9.25185853854297e-18),
    DoubleDouble::from_parts(-0.03333333333333333, -4.625929269271486e-19),
    DoubleDouble::from_parts(0.023809523809523808, 1.32169407693471e-18),
    DoubleDouble::from_parts(-0.03333333333333333, -4.625929269271486e-19),
    DoubleDouble::from_parts(0.07575757575757576, -2.10269512239613e-18),
    DoubleDouble::from_parts(-0.2531135531135531, -1.1061562736192037e-17),
    DoubleDouble::from_parts(1.1666666666666667, -7.401486830834377e-17),
    DoubleDouble::from_parts(-7.092156862745098, -3.274069468698501e-16),
    DoubleDouble::from_parts(54.971177944862156, -1.9588897477095493e-16),
    DoubleDouble::from_parts(-529.1242424242424, 6.890111377067638e-16),
    DoubleDouble::from_parts(6192.123188405797, 9.226757844073186e-14),
    DoubleDouble::from_parts(-86580.25311355312, 3.5926706461242705e-12),
    DoubleDouble::from_parts(1425517.1666666667, -7.761021455128987e-11),
    DoubleDouble::from_parts(-27298231.067816094, 1.610010519795034e-09),
    DoubleDouble::from_parts(601580873.9006424, -2.6635227381825164e-08),
    DoubleDouble::from_parts(-15116315767.092157, 5.011465035232843e-07),
    DoubleDouble::from_parts(429614643061.1667, -2.0345052083333332e-05),
    DoubleDouble::from_parts(-13711655205088.332, -0.0007409090879485616),
    DoubleDouble::from_parts(488332318973593.2, -0.020833333333333332),
    DoubleDouble::from_parts(-1.9296579341940068e+16, -0.14863266814486326),
    DoubleDouble::from_parts(8.416930475736826e+17, 55.000553709856035),
    DoubleDouble::from_parts(-4.0338071854059454e+19, -949.0768115942029),
    DoubleDouble::from_parts(2.1150748638081993e+21, -101647.85460992908),
    DoubleDouble::from_parts(-1.2086626522296526e+23, 2678676.6880629174),
    DoubleDouble::from_parts(7.500866746076964e+24, 200814120.07575756),
    DoubleDouble::from_parts(-5.038778101481069e+26, -6426303095.052201),
    DoubleDouble::from_parts(3.6528776484818122e+28, 1059544567930.9712),
    DoubleDouble::from_parts(-2.849876930245088e+30, 13495687303844.932),
];

/// `(ln Gamma(2 + x) / x - (1 - Euler)) / x`: (zeta(n) - 1) (-1)^n / n from n = 2.
pub(super) const LGAMMA: [DoubleDouble; 56] = [
    DoubleDouble::from_parts(0.3224670334241132, 1.520336175199238e-17),
    DoubleDouble::from_parts(-0.0673523010531981, 6.87667631175899e-18),
    DoubleDouble::from_parts(0.020580808427784546, 1.4629392512775695e-18),
    DoubleDouble::from_parts(-0.007385551028673986, 4.1051370891788617e-19),
    DoubleDouble::from_parts(0.0028905103307415234, -7.357950161901912e-20),
    DoubleDouble::from_parts(-0.001192753911703261, 4.1747852352514e-20),
    DoubleDouble::from_parts(0.0005096695247430425, -2.780354175057013e-20),
    DoubleDouble::from_parts(-0.00022315475845357939, 6.032078299350848e-21),
    DoubleDouble::from_parts(9.945751278180853e-05, 2.734261130690314e-21),
    DoubleDouble::from_parts(-4.492623673813314e-05, 3.4577848248512954e-22),
    DoubleDouble::from_parts(2.050721277567069e-05, 4.864174577619616e-22),
    DoubleDouble::from_parts(-9.439488275268397e-06, 8.111985879973243e-22),
    DoubleDouble::from_parts(4.374866789907488e-06, -3.7021851137962053e-22),
    DoubleDouble::from_parts(-2.039215753801366e-06, -4.70891370095011e-23),
    DoubleDouble::from_parts(9.55141213040742e-07, 4.798512617588967e-23),
    DoubleDouble::from_parts(-4.492469198764566e-07, 1.4219340578032317e-23),
    DoubleDouble::from_parts(2.1207184805554665e-07, 1.2243193613787666e-23),
    DoubleDouble::from_parts(-1.0043224823968099e-07, -5.246728062732248e-24),
    DoubleDouble::from_parts(4.7698101693639804e-08, 1.6747349659198183e-24),
    DoubleDouble::from_parts(-2.2711094608943164e-08, -1.406065812811299e-24),
    DoubleDouble::from_parts(1.0838659214896955e-08, -5.018242148804151e-25),
    DoubleDouble::from_parts(-5.183475041970047e-09, -1.0891302535635231e-26),
    DoubleDouble::from_parts(2.4836745438024785e-09, -1.5805048837932932e-25),
    DoubleDouble::from_parts(-1.1921401405860912e-09, -5.269861418993634e-26),
    DoubleDouble::from_parts(5.731367241678862e-10, -2.3810866578223724e-26),
    DoubleDouble::from_parts(-2.7595228851242334e-10, 2.107257883073299e-26),
    DoubleDouble::from_parts(1.330476437424449e-10, 6.614614775208236e-27),
    DoubleDouble::from_parts(-6.4229645638381e-11, -4.232176684861536e-27),
    DoubleDouble::from_parts(3.1044247747322276e-11, -2.8715350933450543e-27),
    DoubleDouble::from_parts(-1.5021384080754142e-11, -5.063470614908766e-28),
    DoubleDouble::from_parts(7.275974480239079e-12, 4.879514445370743e-28),
    DoubleDouble::from_parts(-3.527742476575915e-12, -1.8425514965961343e-29),
    DoubleDouble::from_parts(1.711991790559618e-12, -6.994387860952799e-29),
    DoubleDouble::from_parts(-8.315385841420285e-13, 1.5951572809733943e-29),
    DoubleDouble::from_parts(4.04220052528944e-13, -1.2672480151835454e-29),
    DoubleDouble::from_parts(-1.9664756310966165e-13, 4.0719036606056276e-30),
    DoubleDouble::from_parts(9.573630387838556e-14, 1.9773509309959252e-30),
    DoubleDouble::from_parts(-4.6640760264283744e-14, 2.186282283713084e-30),
    DoubleDouble::from_parts(2.2737369600659724e-14, -9.672147869269828e-31),
    DoubleDouble::from_parts(-1.1091399470834522e-14, 1.5933072002908932e-31),
    DoubleDouble::from_parts(5.413659156725363e-15, -1.5927035621801034e-31),
    DoubleDouble::from_parts(-2.643880017860995e-15, -1.4241594083885883e-31),
    DoubleDouble::from_parts(1.2918959062789966e-15, 7.958358891271392e-32),
    DoubleDouble::from_parts(-6.315935504198448e-16, -4.148627969335702e-32),
    DoubleDouble::from_parts(3.089316266963393e-16, -2.3015827891156758e-32),
    DoubleDouble::from_parts(-1.5117930628108198e-16, 9.801548779944268e-33),
    DoubleDouble::from_parts(7.40148685695232e-17, 2.7887551301987538e-33),
    DoubleDouble::from_parts(-3.625218048120654e-17, 8.9292739029864e-34),
    DoubleDouble::from_parts(1.7763568421861633e-17, -1.4422619123578226e-33),
    DoubleDouble::from_parts(-8.70763157479179e-18, -3.644715586331977e-34),
    DoubleDouble::from_parts(4.270088559227004e-18, 3.0259314536119503e-35),
    DoubleDouble::from_parts(-2.0947604247944643e-18, -1.0921968389106116e-34),
    DoubleDouble::from_parts(1.0279842823787928e-18, 2.6221378142312554e-35),
    DoubleDouble::from_parts(-5.046468294792953e-19, 2.8769870355097727e-35),
    DoubleDouble::from_parts(2.4781763945937917e-19, -1.285787675046427e-35),
    DoubleDouble::from_parts(-1.2173498078147637e-19, -1.0008451277890342e-35),
];

/// The binary digits of 2 / pi, 64 to a word.
pub(super) const TWO_OVER_PI_BITS: [u64; 24] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
    0xa9e391615ee61b08,
    0x6599855f14a06840,
    0x8dffd8804d732731,
    0x06061556ca73a8c9,
];
