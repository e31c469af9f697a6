// The functions of the evals, written by hand in C++ from the suite's definitions: what `ratios` measures derivatives by.
//
// Reads from standard input the name of an eval, the seconds to run, and its arguments in the order in which the
// functions below read them. Writes the mean nanoseconds of a run and the sum of the outputs.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

using std::size_t;
using std::vector;

static size_t integer() {
    size_t n;
    std::cin >> n;
    return n;
}

static double number() {
    double x;
    std::cin >> x;
    return x;
}

static vector<double> numbers(size_t n) {
    vector<double> x(n);
    for (double& element : x) element = number();
    return x;
}

static double log_sum_exp(size_t n, const double* x) {
    double largest = x[0];
    for (size_t i = 1; i < n; i++) largest = std::max(largest, x[i]);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += std::exp(x[i] - largest);
    return largest + std::log(sum);
}

static double sum_of(const vector<double>& x) {
    double sum = 0;
    for (double element : x) sum += element;
    return sum;
}

// Runs `f` for some seconds; `f` returns the sum of its outputs, from which nothing can be left out. Processor time, because
// the machine may do something else beside it.
template <typename F>
static void measure(double seconds, F f) {
    double value = f();
    std::clock_t start = std::clock(), end = start;
    size_t runs = 0;
    while (double(end - start) < seconds * CLOCKS_PER_SEC) {
        value = f();
        runs++;
        end = std::clock();
    }
    std::printf("%.0f %.17g\n", 1e9 * double(end - start) / CLOCKS_PER_SEC / double(runs), value);
}

static void llsq(double seconds) {
    size_t m = integer(), n = integer();
    vector<double> x = numbers(m);
    measure(seconds, [&] {
        double total = 0;
        for (size_t i = 0; i < n; i++) {
            double t = -1 + 2 * double(i) / (double(n) - 1);
            double s = t > 0 ? 1 : t < 0 ? -1 : 0;
            double power = 1, sum = 0;
            for (size_t j = 0; j < m; j++) {
                sum += x[j] * power;
                power *= t;
            }
            total += (s - sum) * (s - sum);
        }
        return total / 2;
    });
}

static void lse(double seconds) {
    size_t n = integer();
    vector<double> x = numbers(n);
    measure(seconds, [&] { return log_sum_exp(n, x.data()); });
}

static void ode(double seconds) {
    size_t n = integer(), s = integer();
    vector<double> x = numbers(n), y(n), moved(n), k1(n), k2(n), k3(n), k4(n);
    auto f = [&](const vector<double>& y, vector<double>& k) {
        k[0] = x[0];
        for (size_t i = 1; i < n; i++) k[i] = x[i] * y[i - 1];
    };
    auto move = [&](double h, const vector<double>& k) {
        for (size_t i = 0; i < n; i++) moved[i] = y[i] + h * k[i];
    };
    measure(seconds, [&] {
        std::fill(y.begin(), y.end(), 0.0);
        double h = 2.0 / double(s);
        for (size_t step = 0; step < s; step++) {
            f(y, k1);
            move(h / 2, k1);
            f(moved, k2);
            move(h / 2, k2);
            f(moved, k3);
            move(h, k3);
            f(moved, k4);
            for (size_t i = 0; i < n; i++) y[i] += h * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) / 6;
        }
        return sum_of(y);
    });
}

static double minor(size_t row, size_t l, const double* a, size_t* next) {
    const double* first = a + row * l;
    if (row + 1 == l) return first[next[0] - 1];
    double sum = 0, sign = 1;
    for (size_t before = 0; next[before] != 0; before = next[before]) {
        size_t column = next[before];
        next[before] = next[column];
        sum += sign * first[column - 1] * minor(row + 1, l, a, next);
        next[before] = column;
        sign = -sign;
    }
    return sum;
}

static void det(double seconds) {
    size_t l = integer();
    vector<double> a = numbers(l * l);
    vector<size_t> next(l + 1);
    for (size_t j = 0; j < l; j++) next[j] = j + 1;
    measure(seconds, [&] { return minor(0, l, a.data(), next.data()); });
}

static void gmm(double seconds) {
    size_t d = integer(), k = integer(), n = integer(), m = integer();
    double gamma = number();
    size_t below = d * (d - 1) / 2;
    vector<double> x = numbers(n * d), alpha = numbers(k), mu = numbers(k * d), q = numbers(k * d);
    vector<double> l = numbers(k * below);
    const double pi = std::acos(-1.0);
    measure(seconds, [&] {
        vector<double> scale(k * d), sums(k), b(k), centred(d), moved(d);
        for (size_t c = 0; c < k; c++) {
            for (size_t j = 0; j < d; j++) {
                sums[c] += q[c * d + j];
                scale[c * d + j] = std::exp(q[c * d + j]);
            }
        }
        double likelihood = 0;
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < k; c++) {
                for (size_t j = 0; j < d; j++) centred[j] = x[i * d + j] - mu[c * d + j];
                for (size_t j = 0; j < d; j++) moved[j] = scale[c * d + j] * centred[j];
                const double* column = &l[c * below];
                for (size_t j = 0; j < d; j++) {
                    for (size_t row = j + 1; row < d; row++) moved[row] += *column++ * centred[j];
                }
                double square = 0;
                for (size_t j = 0; j < d; j++) square += moved[j] * moved[j];
                b[c] = alpha[c] + sums[c] - square / 2;
            }
            likelihood += log_sum_exp(k, b.data());
        }
        double prior = 0;
        for (size_t c = 0; c < k; c++) {
            double squares = 0;
            for (size_t j = 0; j < d; j++) squares += scale[c * d + j] * scale[c * d + j];
            for (size_t at = 0; at < below; at++) squares += l[c * below + at] * l[c * below + at];
            prior += gamma * gamma / 2 * squares - double(m) * sums[c];
        }
        double w = double(d + m + 1), log_gamma = double(d * (d - 1)) / 4 * std::log(pi);
        for (size_t j = 1; j <= d; j++) log_gamma += std::lgamma(w / 2 + (1 - double(j)) / 2);
        double normalization = double(k) * (w * double(d) * (std::log(gamma) - std::log(2.0) / 2) - log_gamma);
        return -double(n * d) / 2 * std::log(2 * pi) + likelihood - double(n) * log_sum_exp(k, alpha.data()) +
               normalization - prior;
    });
}

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

static void lstm(double seconds) {
    size_t layers = integer(), c = integer(), b = integer();
    vector<double> main = numbers(8 * layers * b), extra = numbers(3 * b), start = numbers(2 * layers * b);
    vector<double> sequence = numbers(c * b), value(b), y(b);
    measure(seconds, [&] {
        vector<double> state = start;
        double total = 0;
        for (size_t t = 0; t + 1 < c; t++) {
            for (size_t j = 0; j < b; j++) value[j] = sequence[t * b + j] * extra[j];
            for (size_t layer = 0; layer < layers; layer++) {
                const double *weight = &main[8 * layer * b], *bias = weight + 4 * b;
                double *hidden = &state[2 * layer * b], *memory = hidden + b;
                for (size_t j = 0; j < b; j++) {
                    double forget = sigmoid(value[j] * weight[j] + bias[j]);
                    double ingate = sigmoid(hidden[j] * weight[b + j] + bias[b + j]);
                    double outgate = sigmoid(value[j] * weight[2 * b + j] + bias[2 * b + j]);
                    double change = std::tanh(hidden[j] * weight[3 * b + j] + bias[3 * b + j]);
                    memory[j] = memory[j] * forget + ingate * change;
                    hidden[j] = outgate * std::tanh(memory[j]);
                    value[j] = hidden[j];
                }
            }
            double sum = 2;
            for (size_t j = 0; j < b; j++) {
                y[j] = value[j] * extra[b + j] + extra[2 * b + j];
                sum += std::exp(y[j]);
            }
            double logarithm = std::log(sum);
            for (size_t j = 0; j < b; j++) total += sequence[(t + 1) * b + j] * (y[j] - logarithm);
        }
        return -total / double((c - 1) * b);
    });
}

static void kmeans(double seconds) {
    size_t k = integer(), n = integer(), d = integer();
    vector<double> points = numbers(n * d), centroids = numbers(k * d);
    measure(seconds, [&] {
        double cost = 0;
        for (size_t i = 0; i < n; i++) {
            double least = INFINITY;
            for (size_t j = 0; j < k; j++) {
                double square = 0;
                for (size_t at = 0; at < d; at++) {
                    double difference = centroids[j * d + at] - points[i * d + at];
                    square += difference * difference;
                }
                least = std::min(least, square);
            }
            cost += least;
        }
        return cost;
    });
}

static double dot(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void ba(double seconds) {
    size_t n = integer(), m = integer(), p = integer();
    vector<double> one_camera = numbers(11), one_point = numbers(3);
    double weight = number();
    vector<double> feature = numbers(2), cameras, points, weights(p, weight), features, errors(2 * p), weight_errors(p);
    for (size_t i = 0; i < n; i++) cameras.insert(cameras.end(), one_camera.begin(), one_camera.end());
    for (size_t i = 0; i < m; i++) points.insert(points.end(), one_point.begin(), one_point.end());
    for (size_t i = 0; i < p; i++) features.insert(features.end(), feature.begin(), feature.end());
    measure(seconds, [&] {
        for (size_t i = 0; i < p; i++) {
            const double *cam = &cameras[11 * (i % n)], *point = &points[3 * (i % m)];
            double x[3], y[3], turned[3];
            for (int j = 0; j < 3; j++) x[j] = point[j] - cam[3 + j];
            double square = dot(cam, cam);
            if (square != 0) {
                double angle = std::sqrt(square), cosine = std::cos(angle), sine = std::sin(angle);
                double u[3] = {cam[0] / angle, cam[1] / angle, cam[2] / angle};
                turned[0] = u[1] * x[2] - u[2] * x[1];
                turned[1] = u[2] * x[0] - u[0] * x[2];
                turned[2] = u[0] * x[1] - u[1] * x[0];
                double along = dot(u, x) * (1 - cosine);
                for (int j = 0; j < 3; j++) y[j] = x[j] * cosine + turned[j] * sine + u[j] * along;
            } else {
                y[0] = x[0] + cam[1] * x[2] - cam[2] * x[1];
                y[1] = x[1] + cam[2] * x[0] - cam[0] * x[2];
                y[2] = x[2] + cam[0] * x[1] - cam[1] * x[0];
            }
            double px = y[0] / y[2], py = y[1] / y[2], radius = px * px + py * py;
            double distortion = 1 + cam[9] * radius + cam[10] * radius * radius;
            errors[2 * i] = weights[i] * (cam[6] * px * distortion + cam[7] - features[2 * i]);
            errors[2 * i + 1] = weights[i] * (cam[6] * py * distortion + cam[8] - features[2 * i + 1]);
        }
        for (size_t i = 0; i < p; i++) weight_errors[i] = 1 - weights[i] * weights[i];
        return errors[0] + errors[2 * p - 1] + weight_errors[p - 1];
    });
}

using Matrix = double[4][4];

static void multiply(const Matrix& a, const Matrix& b, Matrix& result) {
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            result[i][j] = 0;
            for (int k = 0; k < 4; k++) result[i][j] += a[i][k] * b[k][j];
        }
    }
}

static void read_matrices(vector<double>& from, size_t bones) { from = numbers(16 * bones); }

static void ht(double seconds) {
    size_t bones = integer(), vertices = integer(), c = integer();
    vector<double> theta = numbers(26), us = numbers(2 * c), points = numbers(3 * c);
    vector<size_t> corners(3 * c);
    for (size_t& corner : corners) corner = integer();
    vector<long> parents(bones);
    for (long& parent : parents) parent = long(integer()) - 1;
    vector<double> base_relatives, inverses, positions;
    read_matrices(base_relatives, bones);
    read_matrices(inverses, bones);
    positions = numbers(4 * vertices);
    vector<double> weights = numbers(vertices * bones), mesh(3 * vertices), residuals(3 * c);
    auto matrix = [](const vector<double>& from, size_t bone) -> const Matrix& {
        return *reinterpret_cast<const Matrix*>(&from[16 * bone]);
    };
    measure(seconds, [&] {
        vector<double> angles(3 * bones), absolutes(16 * bones), maps(16 * bones);
        size_t next = 6;
        for (size_t finger = 0; finger < 5; finger++) {
            for (size_t joint = 0; joint < 3; joint++) {
                double* angle = &angles[3 * (2 + 4 * finger + joint)];
                angle[0] = theta[next++];
                if (joint == 0) angle[1] = theta[next++];
            }
        }
        for (size_t bone = 0; bone < bones; bone++) {
            const double* a = &angles[3 * bone];
            double cx = std::cos(a[0]), sx = std::sin(a[0]), cz = std::cos(a[1]), sz = std::sin(a[1]);
            double cy = std::cos(a[2]), sy = std::sin(a[2]);
            Matrix about_x = {{1, 0, 0, 0}, {0, cx, -sx, 0}, {0, sx, cx, 0}, {0, 0, 0, 1}};
            Matrix about_y = {{cy, 0, sy, 0}, {0, 1, 0, 0}, {-sy, 0, cy, 0}, {0, 0, 0, 1}};
            Matrix about_z = {{cz, -sz, 0, 0}, {sz, cz, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
            Matrix yx, zyx, relative;
            multiply(about_y, about_x, yx);
            multiply(about_z, yx, zyx);
            multiply(matrix(base_relatives, bone), zyx, relative);
            Matrix& absolute = *reinterpret_cast<Matrix*>(&absolutes[16 * bone]);
            if (parents[bone] < 0) {
                std::copy(&relative[0][0], &relative[0][0] + 16, &absolute[0][0]);
            } else {
                multiply(matrix(absolutes, size_t(parents[bone])), relative, absolute);
            }
            multiply(absolute, matrix(inverses, bone), *reinterpret_cast<Matrix*>(&maps[16 * bone]));
        }
        double pose[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
        double angle = std::sqrt(dot(&theta[0], &theta[0]));
        if (angle >= 1e-4) {
            double x = theta[0] / angle, y = theta[1] / angle, z = theta[2] / angle;
            double s = std::sin(angle), co = std::cos(angle), versine = 1 - co;
            double general[3][3] = {
                {x * x + (1 - x * x) * co, x * y * versine - z * s, x * z * versine + y * s},
                {x * y * versine + z * s, y * y + (1 - y * y) * co, y * z * versine - x * s},
                {x * z * versine - y * s, y * z * versine + x * s, z * z + (1 - z * z) * co},
            };
            std::copy(&general[0][0], &general[0][0] + 9, &pose[0][0]);
        }
        std::fill(mesh.begin(), mesh.end(), 0.0);
        for (size_t v = 0; v < vertices; v++) {
            double moved[3] = {0, 0, 0};
            for (size_t bone = 0; bone < bones; bone++) {
                const Matrix& map = matrix(maps, bone);
                const double* x = &positions[4 * v];
                for (int i = 0; i < 3; i++) {
                    double along = map[i][0] * x[0] + map[i][1] * x[1] + map[i][2] * x[2] + map[i][3] * x[3];
                    moved[i] += weights[v * bones + bone] * along;
                }
            }
            for (int i = 0; i < 3; i++) mesh[3 * v + i] = dot(pose[i], moved) + theta[3 + i];
        }
        for (size_t i = 0; i < c; i++) {
            const size_t* corner = &corners[3 * i];
            double u = us[2 * i], v = us[2 * i + 1];
            for (int j = 0; j < 3; j++) {
                double found = u * mesh[3 * corner[0] + j] + v * mesh[3 * corner[1] + j] +
                               (1 - u - v) * mesh[3 * corner[2] + j];
                residuals[3 * i + j] = points[3 * i + j] - found;
            }
        }
        return sum_of(residuals);
    });
}

int main() {
    std::string eval;
    std::cin >> eval;
    double seconds = number();
    if (eval == "llsq") llsq(seconds);
    else if (eval == "lse") lse(seconds);
    else if (eval == "ode") ode(seconds);
    else if (eval == "det") det(seconds);
    else if (eval == "gmm") gmm(seconds);
    else if (eval == "lstm") lstm(seconds);
    else if (eval == "kmeans") kmeans(seconds);
    else if (eval == "ba") ba(seconds);
    else if (eval == "ht") ht(seconds);
    else {
        std::fprintf(stderr, "primal: expected the name of an eval, found %s\n", eval.c_str());
        return 1;
    }
    return std::cin ? 0 : 1;
}
