use super::*;
use ironroot_platform::host::OsEntropy;

#[test]
fn made_once_loaded_and_checked() {
    let folder = crate::machine::test_folder("product");
    let path = folder.join("product-secret");
    let made = create(&path, &mut OsEntropy).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (loaded, warning) = load(&path).unwrap();
    assert_eq!((made.expose(), warning), (loaded.expose(), None));
    let text = create(&path, &mut OsEntropy).err().unwrap().to_string();
    assert!(text.contains("product-secret") && text.contains("depend on it"), "{text}");
    assert_eq!(load(&path).unwrap().0.expose(), made.expose());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&path).unwrap().1.unwrap().contains("644"));
    for (length, words) in [(0, "0 bytes"), (31, "31 bytes"), (33, "more than 32 bytes"), (9000, "more than 32 bytes")]
    {
        fs::write(&path, alloc::vec![7; length]).unwrap();
        let text = load(&path).err().unwrap().to_string();
        assert!(text.contains(words), "{text}");
    }
    assert!(load(&folder.join("none")).err().unwrap().to_string().contains("No such file"));
    assert!(!folder.join("product-secret.new").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn without_entropy_there_is_no_file() {
    let folder = crate::machine::test_folder("noentropy");
    let path = folder.join("product-secret");
    assert!(create(&path, &mut ironroot_platform::memory::FailingEntropy).is_err());
    assert!(!path.exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn tables_in_the_place_of_the_secret() {
    let folder = crate::machine::test_folder("tables");
    let path = folder.join("product");
    let make = |external| ironroot_whitebox::generate(&[4; 32], external, &mut OsEntropy).unwrap();
    let mut tables = make(ironroot_whitebox::External::Affine);
    fs::write(&path, &tables).unwrap();
    assert!(matches!(load_product(&path), Ok((Product::WhiteBox(_), None))));
    assert!(load(&path).is_err());
    let refusal = || load_product(&path).err().unwrap().to_string();
    tables[100_000] ^= 1;
    fs::write(&path, &tables).unwrap();
    assert!(refusal().contains("damaged") && refusal().contains("whitebox generate"), "{}", refusal());
    fs::write(&path, &tables[..500_000]).unwrap();
    assert!(refusal().contains("770112"), "{}", refusal());
    fs::write(&path, make(ironroot_whitebox::External::None)).unwrap();
    assert!(refusal().contains("comparison"), "{}", refusal());
    fs::write(&path, [1; 31]).unwrap();
    assert!(refusal().contains("31 bytes"), "{}", refusal());
    fs::write(&path, [1; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(load_product(&path), Ok((Product::Secret(_), Some(_)))));
    fs::remove_dir_all(folder).unwrap();
}
