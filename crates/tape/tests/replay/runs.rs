//! After a run: results stay, and owners can write their buffers.

use tape::{ParamId, Replay, Tensor};

#[test]
fn results_that_are_kept_do_not_change_with_the_next_run() {
    let (id, x, w) = (ParamId::new(), Tensor::from([[1.0, 2.0]]), Tensor::from([[3.0, 4.0], [5.0, 6.0]]));
    let mut replay = Replay::new([&x], |tape, [x]| x.matmul(tape.parameter(id, &w)).square().sum()).unwrap();
    let mut run = |x: &Tensor| replay.bind(id, &w).unwrap().value_and_gradient(&[x]).unwrap();
    let (value, first) = run(&x);
    let kept = first.of(id).to_vec();
    let (_, second) = run(&Tensor::from([[-1.0, 1.0]]));
    assert_ne!(second.of(id).to_vec(), kept);
    assert_eq!((value, first.of(id).to_vec()), (13.0 * 13.0 + 16.0 * 16.0, kept));

    let mut values = Replay::several([&x], |_, [x]| vec![x.exp(), x.transpose(), x]).unwrap();
    let first = values.run(&[&x]).unwrap().to_vec();
    values.run(&[&Tensor::from([[7.0, 8.0]])]).unwrap();
    assert_eq!(first, [x.exp(), x.transpose(), x.clone()]);
}

#[test]
fn after_a_run_parameters_are_written_in_place() {
    let (id, x, mut w) = (ParamId::new(), Tensor::from([1.0, 2.0]), Tensor::from([[3.0, 4.0], [5.0, 6.0]]));
    let mut replay = Replay::new([&x], |tape, [x]| {
        let w = tape.parameter(id, &w);
        x.matmul(w.transpose()).sum() + w.reshape([4]).square().sum()
    });
    let replay = replay.as_mut().unwrap();
    for _ in 0..3 {
        let address = w.as_slice().map(<[f64]>::as_ptr);
        replay.bind(id, &w).unwrap().value_and_gradient(&[&x]).unwrap();
        w.as_mut_slice()[0] += 1.0;
        assert_eq!(w.as_slice().map(<[f64]>::as_ptr), address);
    }
}

/// Operations that no output needs are left out, and so are derivatives that no parameter needs.
#[test]
fn dead_work_is_left_out() {
    let x = Tensor::from([1.0, 2.0]);
    let replay = Replay::new([&x], |_, [x]| {
        let _unused = x.exp().sin().sum();
        x.square().sum()
    });
    assert_eq!(format!("{:?}", replay.unwrap()), "Replay<f64> of 2 operations, 1 inputs, 0 parameters");
}

#[test]
fn a_parameter_that_is_not_differentiated_gets_its_value_in_every_run() {
    let (id, mean, x) = (ParamId::new(), Tensor::from([1.0, 1.0]), Tensor::from([2.0, 3.0]));
    let mut replay = Replay::new([&x], |tape, [x]| (x - tape.constant_parameter(id, &mean)).sum()).unwrap();
    let mut run = |mean: &Tensor| replay.bind(id, mean).unwrap().value_and_gradient(&[&x]).unwrap();
    assert_eq!(run(&mean).0, 3.0);
    let (value, gradients) = run(&Tensor::from([0.0, -1.0]));
    assert_eq!(value, 6.0);
    assert!(gradients.try_of(id).is_err());
}

#[test]
fn a_replay_can_be_sent_to_another_thread() {
    let x = Tensor::from([1.0, 2.0]);
    let mut replay = Replay::new([&x], |_, [x]| x.square().sum()).unwrap();
    let value = std::thread::spawn(move || replay.run(&[&Tensor::from([3.0, 4.0])]).unwrap()[0].item());
    assert_eq!(value.join().unwrap(), 25.0);
}
